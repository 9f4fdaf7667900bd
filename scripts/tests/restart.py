"""Runs that are killed or stopped, and continued on other numbers of ranks and threads, have the
bits of a run that was never stopped.

`--disk` also fills a small disk, as root.
"""

import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

from harness import MPIRUN, PROGRAM, bodies, check, end_session, ended, heorot, require, require_same_bits, scratch, session

INTERRUPTED, STOPPED = 75, 76
KILLS = 5  # number of kills at random instants, and again during the write of a checkpoint
PARAMETERS = """\
[initial]
model = "plummer"
bodies = {bodies}
seed = 5
[units]
system = "nbody"
[gravity]
accuracy = 1e-3
softening = 0.02
[time]
steps = {steps}
step = 0.004
{time}
[output]
folder = "{folder}"
snapshot_every = 0.1
acceleration = true
potential = true
[batch]
checkpoint_steps = {every}
"""


# A number of steps that takes some seconds.
LONG = 600


class Run:
    """A run in its own folder, started repeatedly."""

    def __init__(self, name, count=3000, steps=100, every=3, time=""):
        self.place = scratch(name)
        self.folder = self.place / "out"
        self.file = self.place / "run.toml"
        self.file.write_text(PARAMETERS.format(bodies=count, steps=steps, every=every, time=time, folder=self.folder))

    def __call__(self, *options, ranks=None, threads=1):
        return heorot("run", self.file, "--threads", threads, *options, ranks=ranks)

    def start(self, *options, ranks=2):
        """Starts the run, without waiting for it."""
        line = [MPIRUN, "-n", ranks, PROGRAM, "run", self.file, "--threads", 1, "--restart=auto", *options]
        log = open(self.place / "log", "ab")
        return subprocess.Popen(
            [str(word) for word in line], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )

    def end(self, process):
        """Waits for its end, and returns the exit code."""
        ended(process, f"the run in {self.place}")
        return process.returncode

    def log(self):
        return (self.place / "log").read_text()

    def status(self):
        return json.loads((self.folder / "status.json").read_text())

    def checkpoints(self):
        return sorted(self.folder.glob("checkpoint_*.heorot"))

    def parts(self):
        return [path.name for path in self.folder.glob("*.part")] if self.folder.exists() else []

    def result(self):
        """The bodies of each numbered snapshot, and the energy log."""
        numbered = re.compile(r"snapshot_\d+\.hdf5")
        snapshots = sorted(path for path in self.folder.iterdir() if numbered.fullmatch(path.name))
        return [bodies(path) for path in snapshots], (self.folder / "energy.csv").read_text().splitlines()


def require_same(expected, found):
    require(len(expected[0]) == len(found[0]), f"{len(found[0])} snapshots instead of {len(expected[0])}")
    for theirs, ours in zip(*(result[0] for result in (expected, found))):
        require_same_bits(theirs, ours)
    for theirs, ours in zip(expected[1], found[1]):
        require(theirs == ours, f"energy log has '{ours}' instead of '{theirs}'")
    require(len(expected[1]) == len(found[1]), f"{len(found[1])} lines of energy log instead of {len(expected[1])}")


def kill_all(process, first=None):
    """SIGKILL: to one process first, so that the others see it die, then to all of its session."""
    if first is not None:
        kill(first)
        time.sleep(random.uniform(0, 0.1))
    end_session(process)


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def wait_for(condition, process=None, seconds=300):
    """Waits until the condition holds; False if the process ended first."""
    end = time.monotonic() + seconds
    while not condition():
        require(time.monotonic() < end, "waited too long")
        if process is not None and process.poll() is not None:
            return False
        time.sleep(0.0005)
    return True


def ends_with(run, code, ranks, threads=1, *options):
    outcome = run("--restart=auto", *options, ranks=ranks, threads=threads)
    require(set(outcome.codes) == {code}, f"exit codes {outcome.codes}: {outcome.stderr.strip()[-1000:]}")
    return outcome


def killed_at_random_instants(name, expected, **parameters):
    random.seed(time.time_ns() if "--random" in sys.argv else 11)
    run, deaths = Run(name, **parameters), 0
    for ranks in [2, 3, 1, 4, 2, 3, 1, 2][:KILLS]:
        process = run.start(ranks=ranks)
        wait_for(lambda: run.folder.exists() and run.checkpoints(), process)
        time.sleep(random.uniform(0.0, 0.6))
        deaths += process.poll() is None
        kill_all(process, first=random.choice(list(session(process.pid)) or [None]))
    require(deaths >= 2, f"only {deaths} runs were killed before their end")
    if not (run.folder / "report.json").exists():
        message = heorot("status", run.folder)
        require(message.codes == [1] and "dead" in message.stderr, f"status says {message.stderr or message.stdout}")
    ends_with(run, 0, ranks=3, threads=2)
    require_same(expected, run.result())
    require(not run.parts(), f"{run.parts()} are left")
    report = json.loads((run.folder / "report.json").read_text())
    require(report["restarts"] >= 1 and report["evaluations"] >= 101, f"report: {report['restarts']} restarts")


def killed_during_a_write():
    """A checkpoint of a few megabytes at each step. The run is killed when the .part file
    exists."""
    run, torn = Run("write", count=60000, steps=6, every=1), 0
    whole = Run("write-whole", count=60000, steps=6, every=1)
    whole(ranks=2).require_success()
    for ranks in [2, 1, 3, 2, 1][:KILLS]:
        process = run.start(ranks=ranks)
        wait_for(run.folder.exists, process)
        # Known before, since looking for processes takes longer than a write.
        writers = list(session(process.pid))
        if wait_for(lambda: any("checkpoint" in name for name in run.parts()), process):
            time.sleep(random.uniform(0, 0.01) if torn else 0)
            for pid in writers:
                kill(pid)
            kill_all(process)
            torn += any("checkpoint" in name for name in run.parts())
    require(torn >= 1, "no checkpoint was ever half-written")
    ends_with(run, 0, ranks=2)
    require_same(whole.result(), run.result())
    require(not run.parts(), f"{run.parts()} are left")


def damaged(expected):
    """The last checkpoint is damaged. The run names it and uses the one before."""
    run = Run("damaged", every=10)
    process = run.start(ranks=2)
    wait_for(lambda: run.folder.exists() and len(run.checkpoints()) >= 2, process)
    kill_all(process)
    before, last = run.checkpoints()
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 16
    last.write_bytes(content)
    both = Run("damaged-both", every=10)
    shutil.copytree(run.folder, both.folder)
    outcome = ends_with(run, 0, 3)
    require(last.name in outcome.stderr and "damaged" in outcome.stderr, f"says '{outcome.stderr}'")
    require(f"goes on from step {int(before.stem[-8:])}," in outcome.stdout, outcome.stdout[:300])
    require_same(expected, run.result())
    both.checkpoints()[0].write_bytes(b"")
    for ranks in [None, 3]:
        outcome = both("--restart", ranks=ranks)
        require(set(outcome.codes) == {1} and "no whole checkpoint" in outcome.stderr, outcome.stderr)
    require(len(both.checkpoints()) == 2, "checkpoints were removed")


def stopped_by(how, expected, steps=100, code=INTERRUPTED):
    """Stops a run by `how`, checks exit code, checkpoint and status, and continues it on other
    ranks."""
    run = Run(f"stop-{how}", steps=steps, every=1000)
    process = run.start(ranks=2)
    wait_for(lambda: (run.folder / "energy.csv").exists() and run.folder.joinpath("energy.csv").read_text().count("\n") > 5)
    if how == "file":
        (run.folder / "stop").touch()
    else:
        number = getattr(signal, how.split("-")[0])
        pids = [pid for pid in session(process.pid) if "heorot" in open(f"/proc/{pid}/comm").read()]
        os.kill(process.pid if how.endswith("mpirun") else pids[-1], number)
    require(run.end(process) == code, f"exit code {process.returncode}: {run.log()[-1000:]}")
    require(len(run.checkpoints()) == 1, f"checkpoints {run.checkpoints()}")
    phase = run.status()["phase"]
    require(phase == ("stopped" if how == "file" else "interrupted"), f"status says {phase}")
    require(not (run.folder / "stop").exists(), "the stop file is left")
    require(0 < run.status()["step"] < steps, f"stopped at step {run.status()['step']}")
    ends_with(run, 0, ranks=3)
    require_same(expected, run.result())
    require(heorot("status", run.folder).require_success().stdout.startswith("done:"), "is not done")


class LongStep(Run):
    """One full step of some seconds, in which a body does thousands of steps."""

    def __init__(self, name):
        super().__init__(name, 600, 1, 1000, 'timestep = "block"\ncriterion = "both"\neta = 2e-6\neta_rate = 4e-4')
        text = self.file.read_text().replace("step = 0.004", "step = 0.25").replace("snapshot_every = 0.1", "snapshot_every = 0.25")
        self.file.write_text(text)


def heard_within_a_step(how, expected):
    """Asks a run to stop in the midst of a full step, which is then left at a checkpoint within it; it ends with the bits of a run that was not asked."""
    run = LongStep(f"within-{how}")
    process = run.start(ranks=2)
    wait_for(lambda: (run.folder / "snapshot_000.hdf5").exists(), process)
    time.sleep(0.5)  # the step has begun
    if how == "file":
        (run.folder / "stop").touch()
    else:
        pids = [pid for pid in session(process.pid) if "heorot" in open(f"/proc/{pid}/comm").read()]
        os.kill(pids[-1], getattr(signal, how))
    code = run.end(process)
    require(code == (STOPPED if how == "file" else INTERRUPTED), f"exit code {code}: {run.log()[-1000:]}")
    require("stopped within step 1 of 1" in run.log(), run.log()[-1000:])
    require([path.name for path in run.checkpoints()] == ["checkpoint_00000000.heorot"], f"checkpoints {run.checkpoints()}")
    require(run.status()["step"] == 0, f"status says step {run.status()['step']}")
    require(0 < run.status()["part"] < 1, f"status says {run.status()['part']} of the step")
    require("step 1 is under way: " in heorot("status", run.folder).require_success().stdout, "status does not show the step under way")
    ends_with(run, 0, ranks=3)
    require_same(expected, run.result())


def ended_within_an_evaluation():
    """The job ends while the first forces of all are computed, which takes minutes and hears nobody: every launcher sees that the run is to go on. The
    runs go side by side, since their computations end with the job."""
    environment = {**os.environ, "HEOROT_JOB_END": str(int(time.time()) + 12)}
    mpirun, started = [MPIRUN, "-n", "2"], []
    for name, launcher in [("alone", []), ("mpirun", mpirun), ("rank", [*mpirun, "bash", "-c"])]:
        run = Run(f"evaluation-{name}", count=400_000)
        run.file.write_text(run.file.read_text().replace("accuracy = 1e-3", 'walk = "direct"'))
        line = [str(word) for word in [PROGRAM, "run", run.file, "--threads", 1, "--restart=auto"]]
        if name == "rank":  # its own exit code, which may be another than that of mpirun
            line = [f"{shlex.join(line)}; echo $? > {run.place}/code-${{OMPI_COMM_WORLD_RANK:-${{PMI_RANK:-0}}}}"]
        log = open(run.place / "log", "wb")
        process = subprocess.Popen([*launcher, *line], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)
        started.append((name, run, process))
    for name, run, process in started:
        code = run.end(process)
        if name == "rank":
            code = int((run.place / "code-0").read_text())
        require(code == INTERRUPTED, f"{name}: exit code {code}: {run.log()[-500:]}")
        require("stopped in the midst of a step: the wall time is used up" in run.log(), run.log()[-1000:])
        require([path.name for path in run.folder.iterdir()] == ["heorot.begun"], f"leaves {list(run.folder.iterdir())}")


def files_on_request(expected):
    run = Run("request", steps=LONG, every=1000)
    process = run.start(ranks=2)
    wait_for(lambda: (run.folder / "energy.csv").exists())
    for name in ["checkpoint", "snapshot"]:
        (run.folder / name).touch()
    require(wait_for(lambda: run.checkpoints() and list(run.folder.glob("snapshot_step_*.hdf5")), process), run.log()[-500:])
    living = heorot("status", run.folder)
    if process.poll() is None:
        require(living.codes == [0] and living.stdout.startswith(("running:", "done:")), living.stdout + living.stderr)
    require(run.end(process) == 0, run.log()[-1000:])
    require(not (run.folder / "checkpoint").exists() and not (run.folder / "snapshot").exists(), "wishes are left")
    require_same(expected, run.result())


def out_of_wall_time():
    """Repeated limits that are too short for the run. It stops in time, with progress each time."""
    run, whole = (Run(name, steps=400, every=1000) for name in ("walltime", "walltime-whole"))
    before = 0
    for ranks in [2, 1, 3]:
        outcome = ends_with(run, INTERRUPTED, ranks, 1, "--walltime", "1s")
        require("the wall time is nearly used up" in outcome.stdout, outcome.stdout[-500:])
        step = run.status()["step"]
        require(step > before, f"stopped at step {step}, after {before}")
        before = step
        if step > 150:
            break
    ends_with(run, 0, ranks=2)
    whole(ranks=1).require_success()
    require_same(whole.result(), run.result())


def changed_parameters():
    run = Run("changed", steps=20, every=10)
    run(ranks=2).require_success()
    outcome = run("--restart", "--set", "time.steps=30", "--set", "output.potential=false", ranks=3)
    outcome.require_success()
    for word in ["time.steps was 20 and is 30", "output.potential was true and is false"]:
        require(word in outcome.stdout, f"does not say '{word}': {outcome.stdout[:500]}")
    straight = Run("changed-straight", steps=30, every=10)
    straight("--set", "output.potential=false").require_success()
    last = lambda run: bodies(sorted(run.folder.glob("snapshot_*.hdf5"))[-1])
    require_same_bits(last(straight), last(run))
    before = {path: path.read_bytes() for path in run.folder.iterdir()}
    for change, words in [
        ("gravity.accuracy=1e-4", ["gravity.accuracy", "0.001", "0.0001"]),
        ("gravity.softening={length=0.02,pairs=[{types=[1,1],length=0.03}]}", ["gravity.softening.pairs", "unset", "0.03"]),
        ("time.step=0.002", ["time.step", "0.004", "0.002"]),
        ("time.timestep=adaptive-global", ["time.", "fixed", "adaptive-global"]),
        ("initial.seed=6", ["initial.seed", "5", "6"]),
        ("time.steps=7", ["time.steps", "7", "30"]),
    ]:
        for ranks in [None, 3]:
            outcome = run("--restart", "--set", change, ranks=ranks)
            lines = outcome.stderr.splitlines()
            require(set(outcome.codes) == {1}, f"{change}: exit codes {outcome.codes}")
            ours = [line for line in lines if line.startswith("heorot:")]
            require(len(ours) == 1 and all(word in ours[0] for word in words), f"{change}: {outcome.stderr}")
    require(before == {path: path.read_bytes() for path in run.folder.iterdir()}, "a refused restart changed files")


def nothing_to_restart_from(ranks):
    run = Run("nothing")
    outcome = run("--restart", ranks=ranks)
    require(set(outcome.codes) == {1} and "holds no checkpoint" in outcome.stderr, outcome.stderr)
    require(not run.folder.exists(), "makes a folder")


def two_at_once():
    run = Run("twice", steps=1000, every=1000)
    process = run.start(ranks=1)
    wait_for(lambda: run.folder.joinpath("status.json").exists())
    for options in [["--restart=auto"], ["--overwrite"]]:
        outcome = run(*options, ranks=2)
        require(set(outcome.codes) == {1} and "under way" in outcome.stderr, f"{options}: {outcome.stderr}")
    require(process.poll() is None, "the first run ended")
    kill_all(process)


# Without these capabilities, permissions also apply to root.
WITHOUT_PRIVILEGES = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def lost_permission(ranks, during_a_write):
    """The folder becomes read-only between two checkpoints or during one. The run ends with one
    line, and continues later."""
    run = Run("permission", count=30000, steps=40, every=1)
    line = [*WITHOUT_PRIVILEGES, MPIRUN, "-n", ranks, PROGRAM, "run", run.file, "--threads", 1, "--restart=auto"]
    log = open(run.place / "log", "ab")
    process = subprocess.Popen([str(word) for word in line], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    part = lambda: any("checkpoint" in name for name in run.parts())
    require(wait_for(lambda: run.folder.exists() and len(run.checkpoints()) >= 2 and part() == during_a_write, process), run.log()[-500:])
    run.folder.chmod(0o555)
    try:
        code = run.end(process)
        ours = [line for line in run.log().splitlines() if line.startswith("heorot:")]
        require(code == 1, f"exit code {code}: {run.log()[-1000:]}")
        require(len(ours) == 1 and "checkpoint_" in ours[0] and "Permission denied" in ours[0], f"says {ours}")
        require(len(run.checkpoints()) >= 2, f"checkpoints {run.checkpoints()}")
    finally:
        run.folder.chmod(0o755)
        kill_all(process)
    ends_with(run, 0, ranks=2)
    whole = Run("permission-whole", count=30000, steps=40, every=1000)
    whole().require_success()
    require_same(whole.result(), run.result())
    require(not run.parts(), f"{run.parts()} are left")


def full_disk(ranks):
    """Space for the first snapshot and two checkpoints, but not for a third. The run ends with one
    line, and continues with more space."""
    run = Run("disk", count=20000, steps=8, every=1)
    run.file.write_text(run.file.read_text().replace("snapshot_every = 0.1\n", ""))
    run.folder.mkdir()
    mount = lambda options: os.system(f"mount -t tmpfs -o {options} none '{run.folder}'") == 0
    require(mount("size=7m"), "cannot mount a small disk")
    try:
        outcome = run("--restart=auto", ranks=ranks)
        ours = [line for line in outcome.stderr.splitlines() if line.startswith("heorot:")]
        require(set(outcome.codes) == {1}, f"exit codes {outcome.codes}")
        require(len(ours) == 1 and "checkpoint_" in ours[0] and "No space left" in ours[0], outcome.stderr)
        require(len(run.checkpoints()) >= 1 and not run.parts(), f"{run.checkpoints()}, {run.parts()}")
        require(run.status()["phase"] in ("failed", "running"), run.status()["phase"])
        require(mount("remount,size=30m"), "cannot give more room")
        ends_with(run, 0, ranks=2)
        whole = Run("disk-whole", count=20000, steps=8, every=100)
        whole.file.write_text(whole.file.read_text().replace("snapshot_every = 0.1\n", ""))
        whole().require_success()
        require_same(whole.result(), run.result())
    finally:
        os.system(f"umount '{run.folder}'")


def main():
    whole = Run("whole")
    whole(ranks=1).require_success()
    expected = whole.result()
    check("killed at random instants, continued on other ranks", killed_at_random_instants, "random", expected)
    block = {"time": 'timestep = "block"\ncriterion = "both"\neta = 0.0003\neta_rate = 0.05'}
    divided = Run("block", **block)
    divided(ranks=2).require_success()
    kill_block = lambda: killed_at_random_instants("random-block", divided.result(), **block)
    check("killed at random instants with block time steps", kill_block)
    check("killed during the write of a checkpoint", killed_during_a_write)
    check("a damaged checkpoint is passed over", damaged, expected)
    for how in ["SIGTERM", "SIGUSR1", "SIGINT", "SIGUSR1-mpirun"]:
        check(f"stopped by {how}", stopped_by, how, expected)
    # The run looks for files twice a second.
    longer = Run("longer", steps=LONG, every=1000)
    longer(ranks=1).require_success()
    check("stopped by a file", stopped_by, "file", longer.result(), LONG, STOPPED)
    step = LongStep("within-whole")
    step(threads=2).require_success()
    for how in ["SIGUSR1", "file"]:
        check(f"heard within a full step: {how}", heard_within_a_step, how, step.result())
    check("ended within an evaluation, under mpirun and without", ended_within_an_evaluation)
    check("files on request", files_on_request, longer.result())
    check("out of wall time again and again", out_of_wall_time)
    check("changed parameters", changed_parameters)
    for ranks in [None, 3]:
        check(f"nothing to restart from ({ranks or 1} ranks)", nothing_to_restart_from, ranks)
    check("two runs in one folder", two_at_once)
    check("permission lost between checkpoints", lost_permission, 2, False)
    check("permission lost during the write of a checkpoint", lost_permission, 3, True)
    if "--disk" in sys.argv:
        for ranks in [1, 3]:
            check(f"a full disk ({ranks} ranks)", full_disk, ranks)


main()
