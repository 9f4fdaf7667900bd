"""Measures the package against the program, the cost of a call, and memory left behind.

    python python/benchmarks/overhead.py --program target/release/heorot --bodies 1000000

Prints tables in Markdown:

- ``accelerations`` against the same evaluation by ``heorot force``, in turns: seconds of the
  evaluation, peak memory of the process, and whether the results have the same bits; processor
  seconds against those of the bare evaluation in the same module, which is what copies cost;
- steps of a simulation against those of ``heorot run``, also with ``undo=True``, which keeps a copy of
  the bodies; and the seconds of a state with its arrays;
- seconds until a run of steps hears Ctrl-C;
- microseconds of a call with ten bodies, and how many of them are not the evaluation;
- growth of memory over 10,000 calls.

Program and package must be built with the same profile. Needs numpy, h5py and heorot.
"""

import argparse
import csv
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import numpy as np

import heorot

SOFTENING = 0.01
ACCURACY = 1e-3
STEPS_OF_A_RUN = 4
TURN = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", help="the program; without it only the cost of calls is measured")
    parser.add_argument("--bodies", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--runs", type=int, default=2, help="runs of a simulation that are compared")
    parser.add_argument("--signals", type=int, default=5, help="how often runs are interrupted")
    parser.add_argument("--calls", type=int, default=100_000)
    given = parser.parse_args()
    if given.program:
        against_program(given)
    if given.signals > 0:
        interruptions(given)
    small_calls(given.calls)
    growth()


def interruptions(given: argparse.Namespace) -> None:
    """Runs are interrupted at random times. A step ends first."""
    rng = np.random.default_rng(1)
    sphere = heorot.model("plummer", bodies=given.bodies, seed=1, units="nbody")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("| seconds until Ctrl-C is heard | least | median | greatest |\n|---|---|---|---|")
    for timestep in ("fixed", "block"):
        how = {"softening": SOFTENING, "accuracy": ACCURACY, "threads": given.threads}
        sim = heorot.Simulation(sphere, step=1e-3 if timestep == "fixed" else 0.05, timestep=timestep, **how)
        delays = []
        for wait in rng.uniform(1.0, 8.0, given.signals):
            sent = []

            def send():
                sent.append(time.perf_counter())
                os.kill(os.getpid(), signal.SIGINT)

            timer = threading.Timer(wait, send)
            timer.start()
            try:
                sim.evolve(1e3)
            except KeyboardInterrupt:
                delays.append(time.perf_counter() - sent[0])
        print(f"| {timestep} steps | {min(delays):.2f} | {statistics.median(delays):.2f} | {max(delays):.2f} |")
    print()


def small_calls(count: int) -> None:
    """Calls and bare evaluations take turns, so few at a time that some turns are not interrupted; the least of all
    turns counts."""
    rng = np.random.default_rng(1)
    pos, mass = rng.normal(size=(10, 3)), np.ones(10)
    print("| settings | microseconds a call | of which evaluation | beyond it |\n|---|---|---|---|")
    for how in ({"walk": "direct"}, {"theta": 0.5}, {"accuracy": 1e-3}):
        keys = [how.get(key) for key in ("kernel", "accuracy", "accuracy_of", "theta", "tolerance", "order", "walk")]
        chosen = heorot._heorot.Settings(0.0, *keys, 1.0, False, None, None, None)
        calls, works = [], []
        for _ in range(max(1, count // TURN)):
            begun = time.perf_counter()
            for _ in range(TURN):
                heorot.accelerations(pos, mass, **how)
            calls.append((time.perf_counter() - begun) / TURN)
            works.append(heorot._heorot.seconds_of_evaluations(pos, mass, chosen, None, TURN))
        name = ", ".join(f"{key} {value}" for key, value in how.items())
        call, work = 1e6 * min(calls), 1e6 * min(works)
        middle = 1e6 * (statistics.median(calls) - statistics.median(works))
        print(f"| {name} | {call:.1f} | {work:.1f} | {call - work:.1f} (of the medians {middle:.1f}) |")
    print()


def memory() -> float:
    """Resident memory of this process [kB]."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1024


def growth() -> None:
    rng = np.random.default_rng(1)
    few, some, many = ((rng.normal(size=(n, 3)), np.ones(n)) for n in (10, 300, 3000))
    sphere = heorot.model("plummer", bodies=300, seed=1, units="nbody")
    sim = heorot.Simulation(sphere, softening=0.1, step=1e-6, theta=0.7)
    jobs = {
        "accelerations of 10 bodies": lambda: heorot.accelerations(*few, accuracy=1e-3),
        "accelerations of 300 bodies": lambda: heorot.accelerations(*some, theta=0.5),
        "accelerations of 3,000 bodies in single precision": lambda: heorot.accelerations(
            many[0].astype(np.float32), many[1], theta=0.9, order=1
        ),
        "a step and the state of 300 bodies": lambda: sim.step(),
    }
    print("| 10,000 calls | growth of memory [kB] |\n|---|---|")
    for name, job in jobs.items():
        for _ in range(1000):
            job()
        before = memory()
        for _ in range(10_000):
            job()
        print(f"| {name} | {memory() - before:.0f} |")
    print()


PREPARE = """
import sys
import numpy as np
import heorot
folder, bodies = sys.argv[1:]
for name, count in (("few", 10), ("ic", int(bodies))):
    path = f"{folder}/{name}.hdf5"
    heorot.save(path, heorot.model("plummer", bodies=count, seed=1, units="nbody"))
bodies = heorot.load(path)  # in the order of the file
np.save(folder + "/pos.npy", bodies.pos)
np.save(folder + "/mass.npy", bodies.mass)
np.save(folder + "/id.npy", bodies.id)
"""

#: Memory of a process [MB], and its peak from now on.
MEMORY = """
def memory(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name)) * 1024 / 1e6

def forget_peak():
    # The code that a first call reads, and its threads, are memory of the process. So it is for the program,
    # of which a run with few bodies is subtracted.
    few = heorot.model("plummer", bodies=50, seed=1, units="nbody")
    heorot.accelerations(few.pos, few.mass, softening=float(softening), accuracy=float(accuracy), threads=int(threads))
    heorot.Simulation(few, step=1e-4, softening=float(softening), accuracy=float(accuracy), threads=int(threads)).step()
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return memory("VmRSS")
"""

CHILD = (
    MEMORY
    + """
import sys, time
import numpy as np
import heorot
folder, how, threads, softening, accuracy = sys.argv[1:]
if how == "arrays":
    pos, mass = np.load(folder + "/pos.npy"), np.load(folder + "/mass.npy")
else:
    bodies = heorot.load(folder + "/ic.hdf5")
    pos, mass = bodies.pos, bodies.mass
before = forget_peak()
begun = time.perf_counter(), time.process_time()
if how == "bare":
    of = heorot._heorot.Settings(
        float(softening), None, float(accuracy), None, None, None, None, None, 1.0, False, None, None, None
    )
    heorot._heorot.seconds_of_evaluations(pos, mass, of, int(threads), 1)
else:
    acc, pot = heorot.accelerations(
        pos, mass, softening=float(softening), accuracy=float(accuracy), threads=int(threads)
    )
print(time.perf_counter() - begun[0], time.process_time() - begun[1], memory("VmHWM") - before)
"""
)

COMPARE = """
import sys
import h5py
import numpy as np
import heorot
folder, softening, path = sys.argv[1:]
pos, mass, ids = (np.load(f"{folder}/{name}.npy") for name in ("pos", "mass", "id"))
ours, _ = heorot.accelerations(pos, mass, softening=float(softening), theta=0.6)
with h5py.File(path) as file:
    group = file["PartType1"]
    theirs = group["Acceleration"][:][np.argsort(group["ParticleIDs"][:])]
print(np.array_equal(ours[np.argsort(ids)], theirs))
"""


STEPS = (
    MEMORY
    + """
import sys, time
import heorot
folder, bodies, threads, softening, accuracy, steps, undo = sys.argv[1:]
sphere = heorot.model("plummer", bodies=int(bodies), seed=1, units="nbody")
before = forget_peak()
sim = heorot.Simulation(
    sphere, step=1e-4, softening=float(softening), accuracy=float(accuracy), threads=int(threads), undo=bool(int(undo))
)
del sphere
ends = [time.perf_counter()]
sim.evolve(int(steps) * 1e-4, callback=lambda _: ends.append(time.perf_counter()))
sim.state.bodies.pos
rise = memory("VmHWM") - before
begun = time.perf_counter()
bodies = sim.state.bodies
columns = [getattr(bodies, name) for name in ("pos", "vel", "mass", "id", "type", "acc", "pot")]
print(min(b - a for a, b in zip(ends, ends[1:])), time.perf_counter() - begun, rise)
"""
)

RUN = """
[initial]
model = "plummer"
bodies = {bodies}
seed = 1
[units]
system = "nbody"
[gravity]
softening = {softening}
accuracy = {accuracy}
[time]
steps = {steps}
step = 1e-4
[output]
folder = "{folder}/run"
"""


def run(command: list[str]) -> tuple[str, float, float, float]:
    """Output, wall seconds, processor seconds and peak memory [MB] of a process."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command} ended with {process.returncode}")
    return output, time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6


class Sides:
    """The two commands that compute the same field of the same bodies. This process stays small: the system counts its
    memory as that of the processes which it starts."""

    def __init__(self, given: argparse.Namespace, folder: str) -> None:
        self.given, self.folder = given, folder
        self.report = os.path.join(folder, "force.json")
        threads, softening, accuracy = map(str, (given.threads, SOFTENING, ACCURACY))
        self.rest = [threads, softening, accuracy]
        self.settings = ["--softening", softening, "--accuracy", accuracy, "--threads", threads, "--units", "nbody"]
        self.python(PREPARE, str(given.bodies))

    def python(self, code: str, *rest: str) -> tuple[str, float]:
        return run([sys.executable, "-c", code, self.folder, *rest])[::3]

    def program(self, command: str, name: str, *rest: str) -> tuple[str, float, float, float]:
        return run([self.given.program, command, os.path.join(self.folder, f"{name}.hdf5"), *rest])

    def have_same_bits(self) -> bool:
        """Whether both give the same accelerations, with settings that do not depend on earlier evaluations."""
        path = os.path.join(self.folder, "theirs.hdf5")
        angle = ["--softening", str(SOFTENING), "--criterion", "angle", "--theta", "0.6", "--units", "nbody"]
        self.program("force", "ic", *angle, "--output", path)
        return self.python(COMPARE, str(SOFTENING), path)[0] == "True\n"

    def ours(self) -> dict[str, float]:
        told, peak = self.python(CHILD, "arrays", *self.rest)
        seconds, processor, rise = map(float, told.split())
        _, with_load = self.python(CHILD, "load", *self.rest)
        return {
            "seconds": seconds,
            "processor seconds, against the evaluation alone in the package": processor,
            "memory of the call, without process and arrays of the caller [MB]": rise,
            "peak memory of the process [MB]": peak,
            "peak memory of `heorot.load` and the call [MB]": with_load,
        }

    def theirs(self) -> dict[str, float]:
        """The first evaluation finds the tolerance, as `accelerations` does."""
        line = ["force", "ic", *self.settings, "--report", self.report, "--overwrite", "--repeat", "1"]
        _, _, _, peak = self.program(*line)
        _, _, _, small = self.program("force", "few", *self.settings, "--repeat", "1")
        with open(self.report) as file:
            seconds = json.load(file)["evaluation_seconds"]["first"]
        bare, _ = self.python(CHILD, "bare", *self.rest)
        return {
            "seconds": seconds,
            "processor seconds, against the evaluation alone in the package": float(bare.split()[1]),
            "memory of the call, without process and arrays of the caller [MB]": peak - small,
            "peak memory of the process [MB]": peak,
            "peak memory of `heorot.load` and the call [MB]": peak,
        }

    def our_steps(self, steps: int, undo: bool) -> tuple[float, float, float, float]:
        """Seconds of the fastest step and of a state, memory without process and arrays of the caller, and peak of the
        process [MB]."""
        told, peak = self.python(STEPS, str(self.given.bodies), *self.rest, str(steps), str(int(undo)))
        step, state, rise = map(float, told.split())
        return step, state, rise, peak

    def their_steps(self, steps: int) -> tuple[float, float, float]:
        """Seconds of the fastest step, memory without the process and its peak [MB]."""
        peaks = []
        for bodies in (10, self.given.bodies):
            file = os.path.join(self.folder, "run.toml")
            with open(file, "w") as text:
                sizes = {"softening": SOFTENING, "accuracy": ACCURACY, "steps": steps, "folder": self.folder}
                text.write(RUN.format(bodies=bodies, **sizes))
            _, _, _, peak = run([self.given.program, "run", file, "--threads", str(self.given.threads), "--overwrite"])
            peaks.append(peak)
        with open(os.path.join(self.folder, "run", "steps.csv")) as text:
            return min(float(row["total"]) for row in csv.DictReader(text)), peaks[1] - peaks[0], peaks[1]


def against_program(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        sides = Sides(given, folder)
        same = "the same" if sides.have_same_bits() else "DIFFERENT"
        rounds = [(sides.ours(), sides.theirs()) for _ in range(given.repeat)]
        runs = [
            (sides.our_steps(STEPS_OF_A_RUN, False), sides.our_steps(STEPS_OF_A_RUN, True), sides.their_steps(STEPS_OF_A_RUN))
            for _ in range(given.runs)
        ]
    print(
        f"{given.bodies} bodies of a Plummer sphere, softening {SOFTENING}, accuracy {ACCURACY}, {given.threads} threads, "
        f"{given.repeat} rounds in turns, load {os.getloadavg()[0]:.1f}; the accelerations have {same} bits.\n"
    )
    print("| least of all rounds | accelerations | heorot force | ratio | ratios of the rounds |\n|---|---|---|---|---|")
    for name in rounds[0][0]:
        ours, theirs = ([turn[side][name] for turn in rounds] for side in (0, 1))
        digits = 0 if "MB" in name else 3
        ratios = sorted(a / b for a, b in zip(ours, theirs))
        print(
            f"| {name} | {min(ours):.{digits}f} | {min(theirs):.{digits}f} | {min(ours) / min(theirs):.3f} "
            f"| {ratios[0]:.3f} to {ratios[-1]:.3f} |"
        )
    print()
    if not runs:
        return
    plain, undoes, program = ([min(values) for values in zip(*side)] for side in zip(*runs))
    print(f"| least of {given.runs} runs in turns | Simulation | undo=True | heorot run | ratios |\n|---|---|---|---|---|")
    rows = {
        "seconds of a step": (0, 0, 3),
        f"memory of {STEPS_OF_A_RUN} steps, without process and arrays of the caller [MB]": (2, 1, 0),
        "peak memory of the process, with a state and its positions [MB]": (3, 2, 0),
    }
    for name, (ours, theirs, digits) in rows.items():
        values = plain[ours], undoes[ours], program[theirs]
        shown = " | ".join(f"{value:.{digits}f}" for value in values)
        print(f"| {name} | {shown} | {values[0] / values[2]:.2f}, {values[1] / values[2]:.2f} |")
    print(f"| seconds of a state with all its arrays | {plain[1]:.3f} | {undoes[1]:.3f} | | |\n")


if __name__ == "__main__":
    main()
