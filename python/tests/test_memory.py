"""Memory of calls and simulations, against that of the program."""

import os
import subprocess
import sys

import pytest

import heorot

pytestmark = pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="the system does not count the peak")
BODIES = 300_000
#: The allocator of glibc gives each thread an area of its own, and the area of a thread that has computed once stays
#: large. With one area for all, the peak is that of the memory which is in use.
ONE_AREA = {**os.environ, "MALLOC_ARENA_MAX": "1"}
HOW = {"softening": "0.01", "criterion": "angle", "theta": "0.9", "order": "2"}

#: Prints how far the memory of a process rises above that of its arrays, in bytes per body.
CHILD = """
import gc, sys
import numpy as np
import heorot

def memory(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name)) * 1024

sphere = heorot.load(sys.argv[1])
n = len(sphere)
how = dict(softening=0.01, theta=0.9, order=2, threads=2)
heorot.accelerations(sphere.pos[:300], sphere.mass[:300], **how)  # starts the threads
gc.collect()
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak begins anew
before = memory("VmRSS")
{job}
print((memory("VmHWM") - before) / n)
"""


def rise(job, snapshots):
    line = [sys.executable, "-c", CHILD.replace("{job}", job), str(snapshots / f"{BODIES}.hdf5")]
    done = subprocess.run(line, capture_output=True, text=True, env=ONE_AREA)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


#: The system counts the memory of a process as that of the processes which it starts, so a small one starts the program.
START = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""


def peak(command):
    """Peak memory of a program [bytes]."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", START, *command], capture_output=True, text=True, env=ONE_AREA)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    for count in (10, BODIES):
        heorot.save(folder / f"{count}.hdf5", heorot.model("plummer", bodies=count, seed=1, units="nbody"))
    return folder


def test_forces_take_no_more_memory_than_those_of_the_program(program, snapshots):
    options = [word for key, value in HOW.items() for word in (f"--{key}", value)]
    small, large = (
        peak([program, "force", str(snapshots / f"{count}.hdf5"), "--units", "nbody", "--threads", "2", "--repeat", "1", *options])
        for count in (10, BODIES)
    )
    theirs = (large - small) / BODIES
    ours = rise("acc, pot = heorot.accelerations(sphere.pos, sphere.mass, **how)", snapshots)
    assert ours < 1.1 * theirs, (ours, theirs)


RUN = """
[initial]
file = "{file}"
[units]
system = "nbody"
[gravity]
softening = 0.01
criterion = "angle"
theta = 0.9
order = 2
[time]
steps = 2
step = 1e-4
[output]
folder = "{folder}"
"""
SIMULATION = """
sphere = heorot.Bodies(sphere.pos, sphere.mass, sphere.vel)
sim = heorot.Simulation(sphere, step=1e-4, **how)
state = sim.step(2)
"""


def test_steps_take_no_more_memory_than_those_of_the_program(program, snapshots):
    peaks = []
    for count in (10, BODIES):
        file = snapshots / f"{count}.toml"
        file.write_text(RUN.format(file=snapshots / f"{count}.hdf5", folder=snapshots / f"run{count}"))
        peaks.append(peak([program, "run", str(file), "--threads", "2"]))
    theirs = (peaks[1] - peaks[0]) / BODIES
    ours = rise(SIMULATION, snapshots)
    assert ours < 1.1 * theirs, (ours, theirs)
    # Ids in another order than the bodies take a table of 4 bytes.
    with_ids = rise(SIMULATION.replace("sphere = heorot.Bodies(sphere.pos, sphere.mass, sphere.vel)\n", ""), snapshots)
    assert with_ids < 1.1 * theirs, (with_ids, theirs)
    # Positions are copied when the tree is gone.
    looked_at = rise(SIMULATION + "state.bodies.pos, state.bodies.mass", snapshots)
    assert looked_at < 1.1 * theirs, (looked_at, theirs)
    # A state that somebody holds while the simulation goes on is a copy, and so is the state to which a bug leads
    # back. A copy of a body takes 107 bytes.
    for job in (SIMULATION + "sim.step()", SIMULATION.replace("**how", "undo=True, **how")):
        copied = rise(job, snapshots)
        assert ours + 50 < copied < 1.1 * theirs + 107, (job, copied, theirs)


def test_a_state_that_is_held_is_the_copy_of_the_step(snapshots):
    undone = SIMULATION.replace("**how", "undo=True, **how")
    held = rise(undone + "sim.step()\ndel sim", snapshots)
    alone = rise(undone + "del state\nsim.step()", snapshots)
    assert held < alone + 10, (held, alone)
