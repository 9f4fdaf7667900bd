"""A run that is killed before any of its file operations continues with --restart=auto to the bits
of a run that was never killed.

A preloaded library (crash.c) kills one rank before its n-th operation in the output folder.
`--full` tries every n, otherwise some are tried.
"""

import os
import re
import shutil
import subprocess
import sys

from harness import MPIRUN, PROGRAM, ROOT, SCRATCH, Failed, bodies, check, ended, heorot, parameter_file, require, require_same_bits, scratch, session

OUTPUT = "snapshot_every = 0.03"
BATCH = "[batch]\ncheckpoint_steps = 2\n"
BLOCK = 'timestep = "block"\ncriterion = "both"\neta = 0.001\neta_rate = 0.05'
MOVIE = '[movie]\nevery = 0.02\nsize = [160, 160]\nwidth = 4.0\nformat = "apng"'
# Name, [time], other tables, ranks, the rank that is killed, number of points without `--full`.
RUNS = [
    ("fixed steps", "", "", None, 0, 7),
    ("block steps and a movie", BLOCK, MOVIE, None, 0, 9),
    ("block steps and a movie, 2 ranks", BLOCK, MOVIE, 2, 0, 5),
    ("block steps, the last of 2 ranks", BLOCK, "", 2, 1, 3),
    ("block steps and a movie, 3 ranks", BLOCK, MOVIE, 3, 0, 3),
]


def built():
    """Builds the preloaded library."""
    library = SCRATCH / "crash.so"
    source = ROOT / "scripts" / "tests" / "crash.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


def result(folder):
    """All results of a run that do not depend on its speed."""
    numbered = re.compile(r"snapshot_\d+\.hdf5")
    snapshots = sorted(path for path in folder.iterdir() if numbered.fullmatch(path.name))
    others = sorted(path for path in folder.iterdir() if path.name.startswith("frame") or path.name == "energy.csv")
    return {path.name: bodies(path) for path in snapshots}, {path.name: path.read_bytes() for path in others}


def require_same(expected, found):
    for theirs, ours in zip(expected, found):
        require(theirs.keys() == ours.keys(), f"leaves {sorted(ours)} instead of {sorted(theirs)}")
    for name, theirs in expected[0].items():
        require_same_bits(theirs, found[0][name])
    for name, theirs in expected[1].items():
        require(theirs == found[1][name], f"{name} differs")


class Case:
    def __init__(self, name, time, more, ranks, victim):
        self.place = scratch(re.sub(r"\W+", "-", name))
        self.folder = self.place / "out"
        self.file = parameter_file(self.place, 300, 6, 0.01, time, OUTPUT, BATCH + more)
        self.ranks, self.victim = ranks, victim

    def crash(self, library, **environment):
        """Runs it with the library, and waits for the end of all its processes."""
        line = [str(word) for word in [PROGRAM, "run", self.file, "--threads", 1, "--restart=auto"]]
        # The launcher itself must not be killed.
        line = ["env", f"LD_PRELOAD={library}", *line]
        if self.ranks:
            line = [MPIRUN, "-n", str(self.ranks), *line]
        settings = {"CRASH_FOLDER": str(self.folder), "CRASH_RANK": str(self.victim), **environment}
        process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **settings}, start_new_session=True,
        )
        # A run that is killed is not to hang, nor to leave processes that go on.
        output, _ = ended(process, f"a run that was killed, {environment}", self.place / "hang.txt")
        left = session(process.pid)
        require(not left, f"processes outlive the run that was killed: {[line for _, line in left.values()]}")
        return process.returncode, output

    def tried(self, library, expected, point):
        """Kills it before this operation, and goes on with it."""
        if self.folder.exists():
            shutil.rmtree(self.folder)
        code, output = self.crash(library, CRASH_AT=str(point))
        if code == 0:
            return False  # there was no such operation
        outcome = heorot("run", self.file, "--threads", 1, "--restart=auto", ranks=self.ranks)
        require(set(outcome.codes) == {0}, f"operation {point}: {outcome.stderr.strip()[-800:]} (before: {output[-300:]})")
        try:
            require_same(expected, result(self.folder))
            left = [path.name for path in self.folder.iterdir() if path.name.startswith("heorot.") or path.suffix == ".part"]
            require(not left, f"leaves {left}")
        except Failed as failure:
            raise Failed(f"operation {point}: {failure}") from None
        return True


def killed_before_operations(library, name, time, more, ranks, victim, points):
    case = Case(name, time, more, ranks, victim)
    count = case.place / "count"
    code, output = case.crash(library, CRASH_COUNT=str(count))
    require(code == 0, output[-1000:])
    expected, operations = result(case.folder), int(count.read_text())
    require(operations > (20 if victim == 0 else 3), f"only {operations} operations are seen")
    every = range(1, operations + 1)
    chosen = every if "--full" in sys.argv else sorted({1 + (operations - 1) * i // (points - 1) for i in range(points)})
    faults, killed = [], 0
    for point in chosen:
        try:
            killed += case.tried(library, expected, point)
        except Failed as failure:
            faults.append(str(failure))
    print(f"     {name}: killed at {killed} of {operations} operations, {len(faults)} faults", flush=True)
    require(killed + len(faults) >= len(chosen) // 2, f"only {killed} of {len(chosen)} runs were killed")
    require(not faults, "; ".join(faults[:20]))


def main():
    if shutil.which("cc") is None:
        return print("Left out: kills before operations on files, for want of a C compiler.")
    SCRATCH.mkdir(parents=True, exist_ok=True)
    library = built()
    for name, *how in RUNS:
        if len(sys.argv) < 3 or sys.argv[-1] in name:
            check(f"killed before operations on files: {name}", killed_before_operations, library, name, *how)


main()
