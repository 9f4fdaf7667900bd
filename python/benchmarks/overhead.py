"""Measures the package against the program, the cost of a call, and memory left behind.

    python python/benchmarks/overhead.py --program target/release/heorot --bodies 1000000

Prints: seconds of ``accelerations`` and of the evaluation of ``heorot force`` in turns, with the
peak memory of both; microseconds of a call with ten bodies; growth of memory over 10,000 calls.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

import heorot


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", help="the program; without it only the cost of calls is measured")
    parser.add_argument("--bodies", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--calls", type=int, default=100_000)
    given = parser.parse_args()
    small_calls(given.calls)
    growth()
    if given.program:
        against_program(given)


def small_calls(count: int) -> None:
    rng = np.random.default_rng(1)
    pos, mass = rng.normal(size=(10, 3)), np.ones(10)
    for how in ({"walk": "direct"}, {"theta": 0.5}, {"accuracy": 1e-3}):
        begun = time.perf_counter()
        for _ in range(count):
            heorot.accelerations(pos, mass, **how)
        print(f"{how}: {1e6 * (time.perf_counter() - begun) / count:.1f} microseconds a call with 10 bodies")


def memory() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def growth() -> None:
    rng = np.random.default_rng(1)
    pos, mass = rng.normal(size=(300, 3)), np.ones(300)
    for _ in range(1000):
        heorot.accelerations(pos, mass, theta=0.5)
    before = memory()
    for _ in range(10_000):
        heorot.accelerations(pos, mass, theta=0.5)
    print(f"growth over 10,000 calls with 300 bodies: {(memory() - before) / 1024:.0f} kB")


CHILD = """
import resource, sys, time, heorot
bodies = heorot.load(sys.argv[1])
begun = time.perf_counter()
heorot.accelerations(bodies.pos, bodies.mass, softening=0.01, accuracy=1e-3, threads=int(sys.argv[2]))
print(time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def against_program(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "ic.hdf5")
        heorot.save(path, heorot.model("plummer", bodies=given.bodies, seed=1, units="nbody"))
        ours, theirs, our_memory, their_memory = [], [], 0, 0
        for _ in range(given.repeat):
            done = subprocess.run(
                [sys.executable, "-c", CHILD, path, str(given.threads)], check=True, capture_output=True, text=True
            )
            seconds, kilobytes = done.stdout.split()
            ours.append(float(seconds))
            our_memory = max(our_memory, int(kilobytes))
            command = [given.program, "force", path, "--softening", "0.01", "--accuracy", "1e-3"]
            command += ["--threads", str(given.threads)]
            done = subprocess.run(["/usr/bin/time", "-v", *command], check=True, capture_output=True, text=True)
            print(done.stdout)
            their_memory = max(their_memory, int(re.search(r"Maximum resident.*: (\d+)", done.stderr)[1]))
        print(f"accelerations: {sorted(ours)} seconds, {our_memory / 1024:.0f} MB at most")
        print(f"heorot force: {their_memory / 1024:.0f} MB at most, seconds above")


if __name__ == "__main__":
    main()
