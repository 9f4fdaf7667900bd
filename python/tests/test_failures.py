"""Steps that fail, are interrupted, or are asked for at a wrong moment: what becomes of the simulation."""

import gc
import os
import pickle
import re
import signal
import threading

import numpy as np
import pytest

import heorot
from common import plummer, same, simulation


FAULTS = {
    "a bug": (lambda sim: sim._core.panic_for_tests(0.02), heorot.InternalError, "as asked"),
    "a step that goes too far": (lambda sim: sim._core.advance(1e305, 1e305), ValueError, "position"),
    "too many threads": (lambda sim: setattr(sim, "threads", 5000), ValueError, "threads = 5000"),
}


@pytest.mark.parametrize("timestep", ["fixed", "block"])
@pytest.mark.parametrize("undo", [True, False])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_step_leaves_the_state_before_it(timestep, undo, fault):
    if fault == "a bug" and not undo:
        pytest.skip("is tested below")
    sim, other = simulation(timestep, undo=undo), simulation(timestep)
    sim.step()
    other.step()
    energy = sim.energy
    job, kind, message = FAULTS[fault]
    with pytest.raises(kind, match=message):
        job(sim)
    assert (sim.steps, sim.time, sim.energy) == (1, other.time, energy)
    same(sim.bodies, other.bodies)
    again = pickle.loads(pickle.dumps(sim))
    same(again.bodies, other.bodies)
    assert again.undo is undo
    sim.step(2)
    other.step(2)
    same(sim.bodies, other.bodies)
    assert sim.energy == other.energy


def test_a_body_that_runs_away_ends_a_run_before_its_last_step():
    bodies = heorot.Bodies([[0, 0, 0], [1, 0, 0]], [1, 1], [[0, 0, 0], [0, 4e58, 0]])
    sim = heorot.Simulation(bodies, step=5.0, walk="direct")
    with pytest.raises(ValueError, match="the distance of the bodies from the origin"):
        sim.evolve(1000.0)
    steps = sim.steps
    assert 3 < steps < 7 and sim.time == 5.0 * steps and sim.bodies.pos[1, 1] == pytest.approx(2e59 * steps)
    with pytest.raises(ValueError, match="the distance of the bodies from the origin"):
        sim.step()
    assert sim.steps == steps and sim.state.time == sim.time


def test_first_steps_that_are_too_short_can_be_chosen_anew():
    sim = heorot.Simulation(plummer(), softening=1e-20, timestep="block")
    with pytest.raises(ValueError, match="times shorter"):
        sim.evolve(1.0)
    assert sim.steps == 0
    same(sim.bodies, heorot.Simulation(plummer(), softening=1e-20, timestep="block").bodies)


def test_an_iterator_that_is_dropped_leaves_a_simulation_that_goes_on():
    sim = simulation()
    run = sim.run(until=0.1, every=0.02)
    next(run)
    kept = pickle.dumps(sim)
    del run
    gc.collect()
    for state in sim.run(until=0.1, every=0.02):
        break
    assert state.steps == 2
    list(sim.run(until=0.1, every=0.02))
    again = pickle.loads(kept)
    list(again.run(until=0.1, every=0.02))
    whole = simulation()
    list(whole.run(until=0.1, every=0.02))
    same(sim.bodies, whole.bodies)
    same(again.bodies, whole.bodies)


def test_a_simulation_in_use_by_another_thread_says_so():
    sim = heorot.Simulation(plummer(4000), softening=0.05, step=1e-3, walk="direct", threads=1)
    faults, ready, done = [], threading.Event(), threading.Event()

    def look():
        ready.set()
        while not done.is_set():
            try:
                sim.time, sim.bodies
            except RuntimeError as fault:
                faults.append(str(fault))

    thread = threading.Thread(target=look)
    thread.start()
    ready.wait()
    steps = 0
    while not faults and steps < 200:
        try:
            sim.step()
        except RuntimeError as fault:
            faults.append(str(fault))
        steps += 1
    done.set()
    thread.join()
    assert faults and set(faults) == {"the simulation is in use by another thread: wait for its step to end"}
    assert sim.step().time > 0


def test_a_callback_may_look_and_its_errors_end_the_run():
    sim = simulation()

    def callback(simulation):
        assert simulation.bodies.pos.shape == (300, 3) and simulation.energy < 0
        if simulation.steps == 2:
            raise KeyError("enough")

    with pytest.raises(KeyError):
        sim.evolve(1.0, callback=callback)
    assert sim.steps == 2 and sim.step().steps == 3


def test_states_of_other_bodies_are_refused():
    bodies = plummer()
    bodies.id[:2] = [1, 0]
    message = heorot.Simulation(bodies, softening=0.05, step=0.02)._core.to_bytes()
    length = int.from_bytes(message[:8], "little")
    text = message[8 : 8 + length]
    for ids, fault in ((b'"ids":[1,7,', "id 7 occurs twice"), (b'"ids":[1,', "other bodies than ids")):
        changed = text.replace(b'"ids":[1,0,', ids)
        assert changed != text
        bad = len(changed).to_bytes(8, "little") + changed + message[8 + length :]
        with pytest.raises(ValueError, match=fault):
            heorot._heorot.Simulation.from_bytes(bad, None)


def test_a_second_control_c_is_heard_too():
    sim = simulation("block")
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for _ in range(2):
            timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                sim.evolve(1e6)
            timer.join()
    finally:
        signal.signal(signal.SIGINT, previous)
    assert len(sim.bodies) == 300
    assert sim.step().steps >= 1


def test_a_simulation_keeps_nothing_of_the_arrays_of_the_caller():
    bodies = plummer()
    sim, other = (heorot.Simulation(bodies, softening=0.05, step=0.01) for _ in range(2))
    bodies.pos[:], bodies.vel[:], bodies.mass[:] = np.nan, np.nan, -1
    state = sim.step()
    state.bodies.pos[:] = np.nan
    other.step()
    same(sim.step().bodies, other.step().bodies)


def test_a_simulation_that_a_bug_has_ended_says_so():
    sim = simulation()
    assert sim.undo is False
    state = sim.step()  # a state that somebody holds is kept
    with pytest.raises(heorot.InternalError):
        sim._core.panic_for_tests(0.01)
    assert state.bodies.pos.shape == (300, 3)
    later = sim.step()
    assert later.steps == 2
    places = later.bodies.pos
    del state, later
    before = sim.time
    with pytest.raises(heorot.InternalError):
        sim._core.panic_for_tests(0.01)
    assert before == pytest.approx(0.04)
    message = "the simulation was lost in a step that ended with a bug of heorot; undo=True keeps a copy"
    uses = (sim.step, lambda: sim.time, lambda: sim.bodies, lambda: sim.state, lambda: sim.evolve(1.0))
    for use in (*uses, lambda: pickle.dumps(sim), lambda: sim.checkpoint("never"), lambda: list(sim.run(1.0))):
        with pytest.raises(RuntimeError, match=re.escape(message)):
            use()
    assert len(sim) == 300 and np.isfinite(places).all() and not os.path.exists("never")
