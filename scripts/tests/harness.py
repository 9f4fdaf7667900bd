"""Functions for all test scripts: running the program under mpirun, reading snapshots, reporting
results.

Each check prints one line, `ok ...` or `FAIL ...`, which scripts/test counts.
"""

import os
import resource
import shlex
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
SUITE = Path(sys.argv[0]).stem
SCRATCH = ROOT / "target" / "tests" / SUITE
PROGRAM = Path(os.environ.get("HEOROT", ROOT / "target" / "debug" / "heorot"))
MPIRUN = os.environ.get("MPIRUN", "mpirun")
# A session counts as hanging if it has used more processor time than WORK, or none for IDLE. Wall
# time is no measure, since other suites run at the same time.
WORK = 600  # seconds of processors
IDLE = 90  # seconds; a run waits for 60 s for an owner of its folder that may be alive
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """A check failed, with this reason."""


def require(condition, reason):
    if not condition:
        raise Failed(reason)


def processor_seconds():
    """Processor time of all ended child processes [s]."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def check(what, test, *arguments):
    """Runs `test` and prints whether it holds, and how long it took. An exception of any kind is a failure."""
    begun, used = time.monotonic(), processor_seconds()
    try:
        test(*arguments)
        print(f"ok   {SUITE}: {what} ({time.monotonic() - begun:.1f} s, {processor_seconds() - used:.1f} s of processors)", flush=True)
    except Failed as failure:
        print(f"FAIL {SUITE}: {what}: {failure}", flush=True)
    except Exception:
        print(f"FAIL {SUITE}: {what}: {traceback.format_exc()}", flush=True)


def scratch(name=""):
    """An empty folder for one check."""
    folder = SCRATCH / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class Outcome:
    """Exit code of each rank, and the content of the two output streams."""

    def __init__(self, codes, stdout, stderr):
        self.codes, self.stdout, self.stderr = codes, stdout, stderr

    def require_success(self):
        require(set(self.codes) == {0}, f"exit codes {self.codes}: {self.stderr.strip()[-2000:]}")
        return self


def session(leader):
    """The processes of a session that have not ended: the processor time of each [s], with that of its children that have ended, and what it does:
    its state, where it waits in the kernel, its command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name of the program, in parentheses, may hold blanks.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(fields[3]) == leader and fields[0] != "Z":
                words = (folder / "cmdline").read_text().replace("\0", " ")[:200]
                if words:  # else it is about to end
                    used = sum(map(int, fields[11:15])) / TICKS
                    found[int(folder.name)] = (used, f"{folder.name} {fields[0]} {(folder / 'wchan').read_text()} {words}")
        except (OSError, ValueError):
            pass  # it has ended meanwhile
    return found


def end_session(process):
    """Ends all processes of a session. mpirun gives each rank a process group of its own, and ranks whose mpirun is killed go on for a while, in folders
    that the next check uses."""
    while alive := session(process.pid):
        for pid in alive:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        process.poll()
        time.sleep(0.005)
    return process.communicate()


def ended(process, what, trace=None):
    """Waits for a process that leads a session; what it has printed. If it hangs, all of the session is ended. `trace` gets the stacks of a hang, if gdb
    is there."""
    most, since = 0.0, time.monotonic()
    while True:
        try:
            return process.communicate(timeout=2)
        except subprocess.TimeoutExpired:
            alive = session(process.pid)
        used = sum(seconds for seconds, _ in alive.values())
        if used > most + 0.1:
            most, since = used, time.monotonic()
        idle = time.monotonic() - since
        if used > WORK or idle > IDLE:
            break
    if trace and shutil.which("gdb"):
        with open(trace, "w") as file:
            for pid, (_, line) in alive.items():
                print(line, file=file, flush=True)
                subprocess.run(["gdb", "-p", str(pid), "-batch", "-ex", "thread apply all bt 40"], stdout=file, stderr=file)
    end_session(process)
    words = "; ".join(line for _, line in alive.values())
    raise Failed(f"hangs after {used:.0f} s of processors, idle for {idle:.0f} s: {what}; its processes: {words}")


def heorot(*arguments, ranks=None, limit=None, environment=None, odd=None):
    """Runs the program, on `ranks` ranks if given, otherwise without mpirun. `limit` is the largest
    size of a file [bytes]. `odd` is a rank and its first shell command, which may change its
    environment, its folder, its arguments (`set --`) or `program`."""
    codes = SCRATCH / "exit-codes"
    shutil.rmtree(codes, ignore_errors=True)
    codes.mkdir(parents=True)
    # Each rank writes its exit code to a file, because mpirun returns only one, and ends the other
    # ranks when it sees it. A write beyond the limit must fail without ending the process. mpirun
    # does not pass on ignored signals, so they are ignored here.
    limits = f"trap '' XFSZ; ulimit -f {limit // 1024}; " if limit else ""
    rank = "${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-0}}"
    words = f'program={shlex.quote(str(PROGRAM))}; set -- {shlex.join(map(str, arguments))}; '
    if odd:
        words += f'if [ "{rank}" = {odd[0]} ]; then {odd[1]}; fi; '
    script = f'({limits}{words}exec "$program" "$@"); echo $? > {shlex.quote(str(codes))}/{rank}'
    line = ["bash", "-c", script]
    if ranks:
        line = [MPIRUN, "-n", str(ranks), *line]
    process = subprocess.Popen(
        line,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RUST_BACKTRACE": "0", **(environment or {})},
        start_new_session=True,
    )
    stdout, stderr = ended(process, shlex.join(line))
    found = [codes / str(rank) for rank in range(ranks or 1)]
    return Outcome([int(file.read_text()) if file.exists() else None for file in found], stdout, stderr)


def bodies(path):
    """The datasets of all particle types of a snapshot, joined and in the order of the ids."""
    with h5py.File(path) as file:
        groups = [file[name] for name in sorted(file) if name.startswith("PartType")]
        names = sorted(set.intersection(*(set(group) for group in groups)))
        joined = {name: np.concatenate([group[name][:] for group in groups]) for name in names}
        joined["Type"] = np.concatenate([np.full(len(g["ParticleIDs"]), int(g.name[-1])) for g in groups])
    order = np.argsort(joined["ParticleIDs"], kind="stable")
    return {name: values[order] for name, values in joined.items()}


def require_same_bits(expected, found):
    """Fails unless two results of `bodies` are equal in every bit."""
    require(expected.keys() == found.keys(), f"datasets {sorted(found)} instead of {sorted(expected)}")
    for name, values in expected.items():
        other = found[name]
        require(values.shape == other.shape, f"{name} has shape {other.shape} instead of {values.shape}")
        require(values.dtype == other.dtype, f"{name} is {other.dtype} instead of {values.dtype}")
        as_bytes = lambda array: np.ascontiguousarray(array).reshape(len(array), -1).view(np.uint8)
        differ = np.flatnonzero((as_bytes(values) != as_bytes(other)).any(axis=1))
        if len(differ) > 0:
            first = differ[0]
            raise Failed(
                f"{name} differs for {len(differ)} of {len(values)} bodies,"
                f" first id {expected['ParticleIDs'][first]}: {other[first]} instead of {values[first]}"
            )


PLUMMER = """\
[initial]
model = "plummer"
bodies = {bodies}
seed = 5
[units]
system = "nbody"
[gravity]
softening = 0.02
[time]
steps = {steps}
step = {step}
{time}
[output]
folder = "{folder}/out"
{output}
"""


def parameter_file(folder, bodies=3000, steps=2, step=0.004, time="", output="", more=""):
    """A short run of a Plummer sphere, to be called in many ways: with other lines in its tables, and more tables."""
    file = folder / "run.toml"
    head = PLUMMER.format(bodies=bodies, steps=steps, step=step, time=time, output=output, folder=folder)
    file.write_text(head + more)
    return file


def write_snapshot(path, position, velocity, mass, types=None, dtype=np.float64, side=0.0):
    """Writes initial conditions like a foreign program: GADGET format, in any order, no units."""
    types = np.ones(len(mass), int) if types is None else np.asarray(types)
    ids = np.arange(len(mass), dtype=np.uint64)
    counts = np.array([(types == kind).sum() for kind in range(6)])
    with h5py.File(path, "w") as file:
        header = file.create_group("Header").attrs
        header["NumPart_ThisFile"] = header["NumPart_Total"] = counts.astype(np.uint32)
        header["NumPart_Total_HighWord"] = np.zeros(6, np.uint32)
        header["MassTable"] = np.zeros(6)
        header["Time"] = header["Redshift"] = 0.0
        header["BoxSize"] = side
        header["NumFilesPerSnapshot"] = np.int32(1)
        for kind in np.flatnonzero(counts):
            chosen = types == kind
            group = file.create_group(f"PartType{kind}")
            group["Coordinates"] = np.asarray(position)[chosen].astype(dtype)
            group["Velocities"] = np.asarray(velocity)[chosen].astype(dtype)
            group["Masses"] = np.asarray(mass)[chosen].astype(dtype)
            group["ParticleIDs"] = ids[chosen]
    return path


def clumps(count, seed=1):
    """Positions, velocities and masses of nested clumps of very different density; one is very
    heavy."""
    random = np.random.default_rng(seed)
    centre = random.normal(size=(12, 3)) * 10.0
    centre[6:] = centre[0] + random.normal(size=(6, 3)) * 0.01
    radius = 10.0 ** random.uniform(-4, 0, size=12)
    clump = random.choice(12, size=count, p=[0.4] + [0.6 / 11] * 11)
    position = centre[clump] + random.normal(size=(count, 3)) * radius[clump, None]
    velocity = random.normal(size=(count, 3)) * 0.1
    return position, velocity, random.uniform(0.5, 1.5, size=count) / count
