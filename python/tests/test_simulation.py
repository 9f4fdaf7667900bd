"""Simulations: their steps, their states, and the bits of the program."""

import copy
import pickle
import subprocess

import numpy as np
import pytest

import heorot
from common import plummer, same


def test_two_bodies_stay_on_their_ellipse():
    pair = heorot.model("two-body", eccentricity=0.5, units="nbody")
    sim = heorot.Simulation(pair, step=0.002, walk="direct")
    period = 2 * np.pi
    state = sim.evolve(period)
    np.testing.assert_allclose(state.bodies.pos, pair.pos, atol=2e-3)
    assert abs(state.energy_error) < 1e-5
    np.testing.assert_allclose(state.momentum, 0, atol=1e-14)


def test_states_come_at_their_times_and_do_not_change():
    sim = heorot.Simulation(plummer(), softening=0.05, step=0.01)
    states = list(sim.run(until=0.1, every=0.025))
    assert [state.time for state in states] == pytest.approx([0.025, 0.05, 0.075, 0.1], rel=1e-15)
    assert [state.steps for state in states] == [3, 6, 9, 12]
    assert not np.array_equal(states[0].bodies.pos, states[-1].bodies.pos)
    assert sim.time == 0.1 and abs(sim.energy_error) < 1e-3
    assert states[-1].energy == pytest.approx(states[-1].kinetic + states[-1].potential)


def test_steps_of_one_length():
    sim = heorot.Simulation(plummer(), softening=0.05, step=0.01)
    state = sim.step(3)
    assert state.steps == 3 and state.time == pytest.approx(0.03)


def test_a_callback_can_end_a_run():
    sim = heorot.Simulation(plummer(), softening=0.05, step=0.01)
    times = []

    def callback(simulation):
        times.append(simulation.time)
        return simulation.steps == 4

    sim.evolve(1.0, callback=callback)
    assert times == pytest.approx([0.01, 0.02, 0.03, 0.04])


def test_block_steps_need_no_step():
    sim = heorot.Simulation(plummer(), softening=0.02, timestep="block")
    states = list(sim.run(until=0.2, every=0.1))
    assert [state.time for state in states] == [0.1, 0.2]
    assert sim.rungs.max() > 0 and abs(sim.energy_error) < 1e-3


@pytest.mark.parametrize("timestep", ["fixed", "block"])
@pytest.mark.parametrize("how", ["pickle", "checkpoint"])
def test_a_state_that_was_kept_goes_on_with_the_same_bits(timestep, how, tmp_path):
    make = lambda: heorot.Simulation(plummer(), softening=0.05, step=0.02, timestep=timestep)  # noqa: E731
    sim = make()
    run = sim.run(until=0.1, every=0.02)
    next(run)
    next(run)
    if how == "pickle":
        again = pickle.loads(pickle.dumps(sim))
    else:
        sim.checkpoint(tmp_path / "state")
        again = heorot.Simulation.restore(tmp_path / "state")
    assert (again.time, again.steps, again.energy_error) == (sim.time, sim.steps, sim.energy_error)
    same(again.bodies, sim.bodies)
    list(run)
    states = list(again.run(until=0.1, every=0.02))
    assert [state.time for state in states] == pytest.approx([0.06, 0.08, 0.1], rel=1e-15)
    same(again.bodies, sim.bodies)
    assert again.energy == sim.energy


def test_damaged_states_are_refused(tmp_path):
    sim = heorot.Simulation(plummer(), softening=0.05, step=0.02)
    message = sim._core.to_bytes()
    for bad in (b"", message[:100], message[:-5], b"\xff" * 50):
        with pytest.raises(ValueError, match="not the state"):
            heorot._heorot.Simulation.from_bytes(bad, None)
    (tmp_path / "state").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is no checkpoint"):
        heorot.Simulation.restore(tmp_path / "state")


def test_pairs_of_types_have_softening_lengths():
    pair = heorot.model("two-body", units="nbody")
    pair.type[:] = [4, 5]
    pull = lambda **keys: heorot.Simulation(pair, step=0.01, walk="direct", **keys).bodies.acc  # noqa: E731
    table = {"stars": 0.5, "other": 0.1}
    np.testing.assert_array_equal(pull(softening=table), pull(softening=[0, 0, 0, 0, 0.5, 0.1]))
    np.testing.assert_array_equal(pull(softening=table), pull(softening=0.5))
    with_pair = table | {("other", "stars"): 0.9}
    np.testing.assert_array_equal(pull(softening=with_pair), pull(softening=0.9))
    assert (pull(softening=with_pair) != pull(softening=0.5)).any()
    again = pickle.loads(pickle.dumps(heorot.Simulation(pair, step=0.01, softening=with_pair)))
    again.step()
    for wrong, words in [
        ({"moons": 0.1}, "moons"),
        ({("stars",): 0.1}, "softening: must be"),
        ({("stars", "other"): -0.1}, "softening.pairs"),
        ({"stars": "wide"}, "softening: must be"),
        ({("stars", "other"): 0.1, ("other", "stars"): 0.1}, "one length"),
    ]:
        with pytest.raises(ValueError, match=words):
            heorot.Simulation(pair, step=0.01, softening=wrong)


def test_ids_of_the_caller_stay():
    galaxy = plummer()
    order = np.random.default_rng(2).permutation(300)
    mixed = galaxy[order]
    first = heorot.Simulation(galaxy, softening=0.05, step=0.01).evolve(0.03).bodies
    second = heorot.Simulation(mixed, softening=0.05, step=0.01).evolve(0.03).bodies
    np.testing.assert_array_equal(second.id, order)
    np.testing.assert_array_equal(second.pos, first.pos[order])
    twice = plummer()
    twice.id[3] = 7
    with pytest.raises(ValueError, match="id 7 occurs twice"):
        heorot.Simulation(twice, softening=0.05, step=0.01)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "give step"),
        ({"step": -1.0}, "step = -1.0: must be above 0"),
        ({"step": 0.1, "eta": 0.1}, "eta has no meaning"),
        ({"timestep": "block", "criterion": "speed"}, "criterion = \"speed\""),
        ({"timestep": "block"}, "have no softening"),
        ({"timestep": "sometimes"}, "timestep"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        heorot.Simulation(plummer(), **arguments)


@pytest.mark.parametrize("timestep", ["fixed", "block"])
def test_states_come_at_given_times_exactly(timestep):
    make = lambda: heorot.Simulation(plummer(), softening=0.05, step=0.01, timestep=timestep)  # noqa: E731
    times = np.array([0.0, 0.015, 0.02, 0.0701])
    sim = make()
    states = list(sim.run(at=times))
    assert [state.time for state in states] == times.tolist() and [state.steps for state in states] == [0, 2, 3, 9]
    same(states[0].bodies, make().bodies)
    # An end after the last time is a further state; a run that was interrupted goes on.
    half = make()
    run = half.run(until=0.08, at=times[1:].tolist())
    assert next(run).time == 0.015
    half = pickle.loads(pickle.dumps(half))
    assert [state.time for state in half.run(until=0.08, at=times[1:].tolist())] == [0.02, 0.0701, 0.08]
    same(half.bodies, list(sim.run(at=[0.08]))[-1].bodies)
    assert list(half.run(until=0.08, at=times[1:].tolist())) == []


def test_given_times_may_be_quantities():
    u = pytest.importorskip("astropy.units")
    for times in ([2.0, 3.0] * u.Myr, [2.0 * u.Myr, 0.003 * u.Gyr]):
        sim = heorot.Simulation(heorot.model("plummer", bodies=50, seed=1), softening=0.1, step=0.001)
        states = list(sim.run(at=times, until=4.0 * u.Myr))
        in_myr = [state.time * heorot.Units.GALACTIC.time_in_s / 3.15576e13 for state in states]
        assert in_myr == pytest.approx([2.0, 3.0, 4.0])


def test_a_state_of_now_may_be_all_that_is_asked_for():
    sim = heorot.Simulation(plummer(), softening=0.05, step=0.01)
    [state] = sim.run(at=[0.0])
    assert state.steps == 0 and sim.steps == 0
    assert [state.time for state in sim.run(at=0.02)] == [0.02]


@pytest.mark.parametrize("other", ["a step", "another run", "a callback"])
def test_a_run_ends_if_the_simulation_has_gone_on_otherwise(other):
    sim = heorot.Simulation(plummer(), softening=0.05, step=0.02)
    run = sim.run(until=0.2, every=0.02, callback=(lambda sim: sim.step()) if other == "a callback" else None)
    next(run)
    if other == "a step":
        sim.step()
    elif other == "another run":
        next(sim.run(until=0.1, every=0.02))
    with pytest.raises(RuntimeError, match="has gone on otherwise"):
        next(run)
    assert sim.time == pytest.approx(0.04) and sim.steps == 2
    assert sim.evolve(sim.time).time == sim.time  # there is nothing to do


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "give until, the time of the end, or at"),
        ({"at": []}, "at: holds no times"),
        ({"at": [0.2, 0.1]}, r"at: 0.1 follows 0.2; times must increase"),
        ({"at": [0.1, 0.1]}, r"at: 0.1 follows 0.1; times must increase"),
        ({"at": "soon"}, "at: 's' is no number|at: 'soon' is no number"),
        ({"at": [[0.1, 0.2]]}, r"at: \[0.1, 0.2\] is no number"),
        ({"at": [0.1, float("nan")]}, "at: nan is no time"),
        ({"at": [-0.1, 0.1]}, "the time -0.1 is before 0.0, that of the simulation"),
        ({"at": [0.1, 0.3], "until": 0.2}, "at: 0.3 is after until"),
        ({"at": [0.1], "every": 0.1}, "give one of every, at, redshifts and scale_factors"),
        ({"redshifts": [1.0]}, "redshifts: goes with an expanding universe; use at"),
        ({"until": float("inf")}, "until = inf"),
    ],
)
def test_bad_times_are_named(arguments, message):
    sim = heorot.Simulation(plummer(), softening=0.05, step=0.01)
    with pytest.raises(ValueError, match=message):
        sim.run(**arguments)
    assert sim.steps == 0


def test_columns_of_a_state_are_copied_when_they_are_asked_for():
    sim = heorot.Simulation(plummer(), softening=0.05, step=0.01)
    now, later = sim.state, sim.state
    assert len(now.bodies) == 300 and "pos" not in vars(now.bodies)
    assert {"pos", "acc", "time", "__len__"} <= set(dir(now.bodies))  # for completion in a notebook
    pos = now.bodies.pos
    assert now.bodies.pos is pos and "vel" not in vars(now.bodies)
    pos[0] = 77.0  # the caller's own
    sim.step()
    assert later.bodies.pos[0, 0] != 77.0
    np.testing.assert_array_equal(later.bodies.pos[1:], pos[1:])
    np.testing.assert_array_equal(now.bodies.vel, later.bodies.vel)
    assert now.bodies.pos is pos and pos[0, 0] == 77.0
    fresh = heorot.Simulation(plummer(), softening=0.05, step=0.01)
    same(later.bodies, fresh.bodies)
    kept = fresh.bodies
    del fresh
    same(kept, later.bodies)
    same(pickle.loads(pickle.dumps(sim.bodies)), sim.bodies)
    same(copy.copy(sim.bodies), sim.bodies)
    with pytest.raises(AttributeError, match="'Bodies' object has no attribute 'colour'"):
        sim.bodies.colour


def test_times_that_no_run_can_follow_are_refused():
    sim = heorot.Simulation(plummer(), softening=0.05, step=0.01)
    with pytest.raises(ValueError, match="must be after"):
        sim.evolve(-1.0)
    with pytest.raises(ValueError, match="every = 0"):
        sim.run(until=1.0, every=0.0)


PARAMETERS = """
[initial]
model = "{model}"
bodies = 600
seed = 3
[units]
system = "{units}"
[gravity]
softening = {softening}
{gravity}
[time]
end = {end}
step = {step}
timestep = "{timestep}"
[output]
folder = "{folder}"
snapshot_every = {every}
acceleration = true
potential = true
"""

RUNS = {
    "fixed": ("plummer", "nbody", {"accuracy": 1e-3}, 0.05, "fixed", 0.01, 0.06, 0.03),
    "block": ("plummer", "nbody", {"accuracy": 2e-3}, 0.02, "block", 0.05, 0.1, 0.05),
    "galactic": ("disc-galaxy", "galactic", {"theta": 0.6}, 0.3, "fixed", 0.001, 0.003, 0.001),
}


@pytest.mark.parametrize("run", RUNS)
def test_a_run_has_the_bits_of_the_program(run, program, tmp_path):
    model, units, gravity, softening, timestep, step, end, every = RUNS[run]
    keys = "\n".join(f"{key} = {value}" for key, value in gravity.items())
    if "theta" in gravity:
        keys += '\ncriterion = "angle"'
    file = tmp_path / "run.toml"
    file.write_text(
        PARAMETERS.format(
            model=model, units=units, gravity=keys, softening=softening, timestep=timestep, step=step, end=end,
            every=every, folder=tmp_path / "out",
        )
    )
    done = subprocess.run([program, "run", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    bodies = heorot.model(model, bodies=600, seed=3, units=units)
    sim = heorot.Simulation(bodies, softening=softening, timestep=timestep, step=step, **gravity)
    states = [sim.state, *sim.run(until=end, every=every)]
    files = sorted((tmp_path / "out").glob("snapshot_*.hdf5"))
    assert len(files) == len(states) > 2
    for path, state in zip(files, states):
        found = heorot.load(path)
        found = found[np.argsort(found.id)]
        assert found.time == state.time and found.units == state.bodies.units
        for name in ("id", "type", "mass", "pos", "vel"):
            np.testing.assert_array_equal(getattr(found, name), getattr(state.bodies, name), err_msg=f"{path} {name}")


def test_a_model_has_the_bits_of_the_program(program, tmp_path):
    path = tmp_path / "king.hdf5"
    command = [program, "model", "king", "--w0", "7", "--bodies", "500", "--seed", "4", "--units", "nbody", "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    found = heorot.load(path)
    found = found[np.argsort(found.id)]
    drawn = heorot.model("king", w0=7, bodies=500, seed=4, units="nbody")
    for name in ("id", "type", "mass", "pos", "vel"):
        np.testing.assert_array_equal(getattr(found, name), getattr(drawn, name), err_msg=name)
