"""What a module does to its process: the interpreter's lock, forks, signals and memory."""

import multiprocessing
import os
import resource
import signal
import threading
import time

import numpy as np
import pytest

import heorot
from common import cloud, plummer, same


def test_other_threads_run_while_forces_are_computed():
    pos, mass = cloud(4000)
    ticks, done = [], threading.Event()

    def tick():
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    begun = time.perf_counter()
    heorot.direct(pos, mass, threads=1)
    ended = time.perf_counter()
    done.set()
    thread.join()
    inside = [t for t in ticks if begun < t < ended]
    # With the lock held, no tick would fall into the middle half of the call.
    quarter = (ended - begun) / 4
    assert any(begun + quarter < t < ended - quarter for t in inside)


def test_several_threads_call_at_once():
    pos, mass = cloud(600)
    wanted = heorot.accelerations(pos, mass)[0]
    found = [None] * 4

    def call(i):
        found[i] = heorot.accelerations(pos, mass, threads=1 + i % 2)[0]

    threads = [threading.Thread(target=call, args=(i,)) for i in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    for acc in found:
        np.testing.assert_array_equal(acc, wanted)


def _in_a_child(queue):
    pos, mass = cloud(600)
    queue.put(heorot.accelerations(pos, mass)[0])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_forked_process_computes():
    pos, mass = cloud(600)
    wanted = heorot.accelerations(pos, mass)[0]  # the pool has threads, of which a child has none
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_a_child, args=(queue,))
    child.start()
    try:
        np.testing.assert_array_equal(queue.get(timeout=120), wanted)
    finally:
        child.join(10)


@pytest.mark.parametrize("timestep", ["fixed", "block"])
def test_control_c_ends_a_run_and_leaves_the_state_usable(timestep):
    galaxy = heorot.model("plummer", bodies=400, seed=1, units="nbody")
    make = lambda: heorot.Simulation(galaxy, softening=0.05, step=0.01, timestep=timestep)  # noqa: E731
    sim = make()
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        # The signal comes in the midst of the third step.
        def soon(simulation):
            if simulation.steps == 2:
                signal.raise_signal(signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            list(sim.run(until=0.05, every=0.01, callback=soon))
    finally:
        signal.signal(signal.SIGINT, previous)
    assert sim.steps == 2 and len(sim.bodies) == 400
    rest = list(sim.run(until=0.05, every=0.01))
    whole = list(make().run(until=0.05, every=0.01))
    assert [state.time for state in rest] == [state.time for state in whole[2:]]
    np.testing.assert_array_equal(rest[-1].bodies.pos, whole[-1].bodies.pos)


def test_a_signal_from_outside_ends_a_run():
    galaxy = heorot.model("plummer", bodies=500, seed=1, units="nbody")
    sim = heorot.Simulation(galaxy, softening=0.05, step=1e-4)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            sim.evolve(100.0)
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, previous)
    assert sim.step().time > 0


def test_a_signal_ends_a_direct_sum():
    pos, mass = cloud(100_000)  # takes minutes
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        begun = time.perf_counter()
        with pytest.raises(KeyboardInterrupt):
            heorot.direct(pos, mass)
        assert time.perf_counter() - begun < 20.0
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, previous)


def test_calls_leave_no_memory_behind():
    pos, mass = cloud(10)

    def calls(count):
        for _ in range(count):
            heorot.accelerations(pos, mass, theta=0.7)
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    if not os.path.exists("/proc/self/statm"):
        pytest.skip("the system does not tell the memory of a process")
    before = calls(1000)
    # 10,000 calls that each left one array of 10 vectors behind would take 2.4 MB.
    assert calls(10_000) - before < 1_000_000


def test_threads_that_come_and_go_leave_no_memory_behind():
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("the system does not tell the memory of a process")
    pos, mass = cloud(50)
    wanted = heorot.accelerations(pos, mass, theta=0.7)[0]

    def call():
        np.testing.assert_array_equal(heorot.accelerations(pos, mass, theta=0.7)[0], wanted)

    def calls(count):
        for _ in range(count):
            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    before = calls(100)
    # 250 threads that each left a pool behind would take more than 1 MB.
    assert calls(250) - before < 800_000


def test_many_simulations_run_in_threads_at_once():
    """Each thread has simulations of its own, of few bodies (computed alone) and of more (by the common pool)."""
    counts, found = [20, 200, 300, 400] * 3, {}

    def run(place):
        sim = heorot.Simulation(plummer(counts[place]), softening=0.05, step=0.01, threads=1 + place % 2)
        found[place] = [sim.step().bodies for _ in range(5)][-1]

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(counts))]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    for count in set(counts):
        alone = heorot.Simulation(plummer(count), softening=0.05, step=0.01)
        wanted = [alone.step().bodies for _ in range(5)][-1]
        for place in range(len(counts)):
            if counts[place] == count:
                same(found[place], wanted)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_fork_while_another_thread_computes():
    pos, mass = cloud(3000)
    few, their_mass = cloud(400, seed=2)
    wanted, done = heorot.accelerations(few, their_mass, theta=0.6)[0], threading.Event()

    def compute():
        while not done.is_set():
            heorot.accelerations(pos, mass, theta=0.6)

    thread = threading.Thread(target=compute)
    thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if child == 0:
                is_same = np.array_equal(heorot.accelerations(few, their_mass, theta=0.6)[0], wanted)
                os._exit(0 if is_same else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        done.set()
        thread.join()
