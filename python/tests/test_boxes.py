"""Periodic boxes and expanding universes."""

import pickle
import subprocess
import warnings

import numpy as np
import pytest

import heorot
from common import decode, description_of

LCDM = heorot.Cosmology(omega_m=0.3111, omega_lambda=0.6889, h=0.6766)
MPC = heorot.Units(3.085677581491367e24, 1.988409870698051e43, 1e5)
SIDE = 147.797813


def universe(per_side=8, **keys):
    keys = {"sigma8": 0.81, "n_s": 0.9665, "omega_b": 0.04897, "seed": 1, "redshift": 49, **keys}
    return heorot.model("cosmology", per_side=per_side, units=MPC, box=SIDE, cosmology=LCDM, **keys)


def cube(n, seed=1):
    return np.random.default_rng(seed).uniform(size=(n, 3))


def test_images_of_a_box_are_bodies_too():
    pos, mass = cube(300), np.full(300, 1 / 300)
    wanted, potential = heorot.direct(pos, mass, box=1.0, softening=0.01)
    assert np.abs(mass @ wanted).max() < 1e-12 * np.abs(wanted).max()
    acc, pot = heorot.accelerations(pos, mass, box=1.0, softening=0.01, accuracy=1e-3)
    error = np.linalg.norm(acc - wanted, axis=1) / np.maximum(np.linalg.norm(wanted, axis=1), np.median(np.linalg.norm(wanted, axis=1)))
    assert np.sqrt((error**2).mean()) < 1.2e-3
    # A shift of all bodies, and bodies outside the box, change nothing but rounding.
    moved, _ = heorot.direct((pos + [0.3, 0.0, -2.6]), mass, box=1.0, softening=0.01)
    np.testing.assert_allclose(moved, wanted, atol=1e-9 * np.abs(wanted).max())
    with_units, _ = heorot.direct(pos, mass, box=1.0, softening=0.01, units="nbody")
    np.testing.assert_array_equal(with_units, wanted)


def test_a_pair_across_the_face_of_a_box():
    acc, _ = heorot.direct([[0.05, 0.5, 0.5], [0.95, 0.5, 0.5]], [1.0, 1.0], box=1.0)
    assert acc[0, 0] == pytest.approx(-acc[1, 0]) and -100 < acc[0, 0] < -90


@pytest.mark.parametrize(
    "changed, message",
    [
        ({"box": 0.0}, "box = 0"),
        ({"box": -1.0}, "box = -1"),
        ({"box": np.nan}, "box = NaN"),
        ({"box": np.inf}, "box = inf"),
        ({"kernel": "plummer", "softening": 0.1}, "spline in a periodic box"),
        ({"softening": 0.4}, "softening"),
        ({"pos": [[np.nan, 0, 0], [0, 0, 0.5]]}, "position is NaN"),
        ({"pos": [[0, 0, 0], [0, -np.inf, 0.5]]}, "position is -inf"),
        ({"mass": [1, -1]}, "mass is -1"),
    ],
)
def test_impossible_boxes_are_named(changed, message):
    arguments = {"pos": [[0.1, 0, 0], [0, 0, 0.5]], "mass": [1, 1], "box": 1.0, **changed}
    with pytest.raises(ValueError) as error:
        heorot.accelerations(**arguments)
    assert message in str(error.value)
    if "box" in changed:
        with pytest.raises(ValueError, match="box"):
            heorot.Bodies(cube(3), np.ones(3), box=changed["box"])


def test_a_page_shows_the_box():
    pos = cube(50)
    pos[0] = [1.25, -0.5, 0.5]  # outside
    bodies = heorot.Bodies(pos, np.ones(50), box=1.0)
    page = heorot.view(bodies)
    description = description_of(page)
    assert (description["periodic"], description["side"]) == (True, 1.0)
    places = decode(page)[0]
    gaps = np.abs(places[:, None] - (pos % 1.0)[None]).max(axis=-1)
    assert gaps.min(axis=0).max() < 1e-6  # the corner of the page is that of the box
    bodies.box = None
    assert not description_of(heorot.view(bodies))["periodic"]
    sim = heorot.Simulation(heorot.Bodies(pos, np.ones(50), box=1.0), softening=0.1, step=0.01)
    assert description_of(heorot.view([sim.state, sim.step()]))["periodic"]


def test_a_page_of_an_expanding_universe_shows_redshifts():
    frames = [heorot.Bodies(cube(50), np.ones(50), box=1.0, cosmology=LCDM, redshift=z) for z in (0.0, 9.0)]
    frames = description_of(heorot.view(frames))["frames"]
    assert [frame["label"] for frame in frames] == ["z = 9.00", "z = 0.00"]


def test_bodies_keep_their_box(tmp_path):
    bodies = heorot.Bodies(cube(200), np.full(200, 0.005), box=1.0, units="nbody")
    assert bodies[:10].box == 1.0 and bodies.redshift is None
    for format in ("gadget", "swift"):
        heorot.save(tmp_path / f"{format}.hdf5", bodies, format=format)
        assert heorot.load(tmp_path / f"{format}.hdf5").box == 1.0
        assert heorot.load(tmp_path / f"{format}.hdf5", isolated=True).box is None
    np.testing.assert_array_equal(heorot.spectrum(bodies, grid=16).power, heorot.spectrum(bodies, 1.0, grid=16).power)
    halos = heorot.halos(bodies, linking=0.4, min_members=5)
    np.testing.assert_array_equal(halos.of, heorot.halos(bodies, linking=0.4, min_members=5, box=1.0).of)
    outside = heorot.Bodies(cube(200) - 0.5, np.full(200, 0.005), box=1.0, units="nbody")
    heorot.save(tmp_path / "outside.hdf5", outside)
    with pytest.warns(UserWarning, match="bodies are outside its periodic box of side 1; isolated=True"):
        heorot.load(tmp_path / "outside.hdf5")
    with pytest.raises(ValueError, match="box"):
        heorot.spectrum(heorot.Bodies(cube(10), np.ones(10)))
    whole = heorot.render(bodies, size=200)
    assert whole.png == heorot.render(bodies, size=200, width=1.0, centre=(0.5, 0.5, 0.5)).png
    bodies.pos = bodies.pos + np.array([1.0, -2.0, 0.0])
    assert heorot.render(bodies, size=200)._repr_png_()[:4] == b"\x89PNG"


def test_a_simulation_of_a_box_has_the_bits_of_the_program(program, tmp_path):
    (tmp_path / "run.toml").write_text(f"""
[initial]
model = "uniform"
shape = "box"
bodies = 500
seed = 1
[units]
system = "nbody"
[box]
side = 1.0
[gravity]
softening = 0.02
[time]
end = 0.1
step = 0.02
[output]
folder = "{tmp_path}/out"
snapshot_every = 0.1
acceleration = true
""")
    subprocess.run([program, "run", str(tmp_path / "run.toml")], check=True, capture_output=True)
    found = heorot.load(sorted((tmp_path / "out").glob("snapshot_*.hdf5"))[-1])
    found = found[np.argsort(found.id)]
    bodies = heorot.model("uniform", shape="box", bodies=500, seed=1, units="nbody", box=1.0)
    sim = heorot.Simulation(bodies, softening=0.02, step=0.02)
    state = sim.evolve(0.1)
    assert sim.box == state.bodies.box == found.box == 1.0 and state.redshift is None
    for name in ("id", "mass", "pos", "vel"):
        np.testing.assert_array_equal(getattr(found, name), getattr(state.bodies, name), err_msg=name)


PARAMETERS = """
[initial]
model = "cosmology"
per_side = 8
seed = 1
sigma8 = 0.81
n_s = 0.9665
omega_b = 0.04897
[cosmology]
omega_m = 0.3111
omega_lambda = 0.6889
h = 0.6766
start_redshift = 49
[units]
length_in_cm = 3.085677581491367e24
mass_in_g = 1.988409870698051e43
velocity_in_cm_per_s = 1e5
[box]
side = {side}
[gravity]
softening = 0.4
[time]
end_redshift = 4
step = 0.125
timestep = "{timestep}"
[output]
folder = "{folder}"
redshifts = [9]
acceleration = true
"""


@pytest.mark.parametrize("timestep", ["fixed", "block"])
def test_a_universe_has_the_bits_of_the_program(timestep, program, tmp_path):
    text = PARAMETERS.format(side=SIDE, timestep=timestep, folder=tmp_path / "out")
    (tmp_path / "run.toml").write_text(text)
    done = subprocess.run([program, "run", str(tmp_path / "run.toml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    sim = heorot.Simulation(universe(), softening=0.4, step=0.125, timestep=timestep)
    states = list(sim.run(redshifts=[49, 9, 4]))
    files = sorted((tmp_path / "out").glob("snapshot_*.hdf5"))
    assert len(files) == 3
    for path, state, redshift in zip(files, states, (49, 9, 4)):
        assert state.redshift == pytest.approx(redshift, rel=1e-12)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = heorot.load(path, units=MPC)
        found = found[np.argsort(found.id)]
        assert found.cosmology == sim.cosmology == LCDM
        assert (found.redshift, found.box) == (pytest.approx(redshift), pytest.approx(SIDE, rel=1e-15))
        # Files of GADGET have lengths and masses in units with h, and velocities over the root of a.
        np.testing.assert_array_equal(found.id, state.bodies.id)
        for name in ("mass", "pos", "vel"):
            wanted = getattr(state.bodies, name)
            close = {"rtol": 0, "atol": 4e-15 * np.abs(wanted).max()}
            np.testing.assert_allclose(getattr(found, name), wanted, **close, err_msg=name)
    assert abs(sim.energy_error) < 0.05


def test_a_model_of_a_universe_has_the_bits_of_the_program(program, tmp_path):
    (tmp_path / "run.toml").write_text(PARAMETERS.format(side=SIDE, timestep="fixed", folder=tmp_path / "out"))
    path = tmp_path / "ic.hdf5"
    command = [program, "model", "--from", str(tmp_path / "run.toml"), "-o", str(path), "--format", "swift"]
    subprocess.run(command, check=True, capture_output=True)
    found = heorot.load(path)
    found, drawn = found[np.argsort(found.id)], universe()
    assert found.cosmology == drawn.cosmology and found.box == drawn.box
    for name in ("mass", "pos"):
        np.testing.assert_array_equal(getattr(found, name), getattr(drawn, name), err_msg=name)
    np.testing.assert_allclose(found.vel, drawn.vel, rtol=1e-15)


@pytest.mark.parametrize("how", ["pickle", "checkpoint"])
def test_a_universe_that_was_kept_goes_on_with_the_same_bits(how, tmp_path):
    make = lambda: heorot.Simulation(universe(), softening=0.4, step=0.25, timestep="block")  # noqa: E731
    sim, whole = make(), make()
    sim.step()
    if how == "pickle":
        sim = pickle.loads(pickle.dumps(sim))
    else:
        sim.checkpoint(tmp_path / "state")
        sim = heorot.Simulation.restore(tmp_path / "state")
    assert sim.cosmology == LCDM and sim.box == SIDE
    sim.step(2)
    whole.step(3)
    for name in ("pos", "vel", "acc", "pot"):
        np.testing.assert_array_equal(getattr(sim.bodies, name), getattr(whole.bodies, name))
    assert sim.scale_factor == whole.scale_factor > 0.04 and sim.energy_error == whole.energy_error


def test_files_keep_a_universe(tmp_path):
    bodies = universe(4)
    for format, precision in [("gadget", "double"), ("swift", "double"), ("gadget", "single")]:
        path = tmp_path / f"{format}-{precision}.hdf5"
        heorot.save(path, bodies, format=format, precision=precision)
        found = heorot.load(path, units=MPC)
        found = found[np.argsort(found.id)]
        close = 1e-13 if precision == "double" else 1e-5
        assert found.cosmology == LCDM and found.redshift == pytest.approx(49)
        for name in ("mass", "pos", "vel"):
            np.testing.assert_allclose(getattr(found, name), getattr(bodies, name), rtol=close, atol=close)
    assert heorot.render(universe(4), size=200).png != b""


def test_states_come_at_redshifts_and_scale_factors():
    sim = heorot.Simulation(universe(), softening=0.4, step=0.125)
    states = list(sim.run(scale_factors=[0.025, 0.04], until=LCDM.time_of(19)))
    assert [state.scale_factor for state in states] == pytest.approx([0.025, 0.04, 0.05], rel=1e-14)
    for bad, message in (([19, 9, 12], "redshifts: 12.0 follows 9.0"), ([-2], "redshift = -2.0"), ([30], "is before")):
        with pytest.raises(ValueError, match=message):
            sim.run(redshifts=bad)
    with pytest.raises(ValueError, match="scale_factors: must be above 0"):
        sim.run(scale_factors=[0.1, 0.0])
    with pytest.raises(ValueError, match="external potentials are not possible in a periodic box"):
        heorot.Simulation(universe(), softening=0.4, step=0.1, potentials={"kind": "point-mass", "mass": 1.0})


def test_impossible_universes_are_named():
    for keys, message in [
        ({"redshift": -1.0}, "redshift = -1"),
        ({"redshift": None}, "needs cosmology, redshift and box"),
        ({"omega_b": 0.4}, "omega_b = 0.4"),
        ({"per_side": 5}, "per_side"),
    ]:
        with pytest.raises(ValueError, match=message):
            universe(**keys)
    with pytest.raises(ValueError, match="have no meaning for the model 'plummer'"):
        heorot.model("plummer", bodies=10, cosmology=LCDM, redshift=1)
    with pytest.raises(ValueError, match="h = 0"):
        heorot.Cosmology(0.3, 0.7, 0)
    with pytest.raises(ValueError, match="redshift = nan"):
        LCDM.time_of(float("nan"))
    bodies = universe(4)
    bodies.mass = 2 * bodies.mass
    with pytest.raises(ValueError, match="have 2.0000.* of the density of matter"):
        heorot.Simulation(bodies, softening=0.4, step=0.1)
    bodies = universe(4)
    bodies.box = None
    with pytest.raises(ValueError, match="need cosmology, units and box"):
        heorot.Simulation(bodies, softening=0.4, step=0.1)
    plain = heorot.Bodies(cube(10), np.ones(10), box=1.0)
    with pytest.raises(ValueError, match="need bodies with a cosmology"):
        heorot.Simulation(plain, softening=0.01, step=0.1, max_displacement=0.1)
    sim = heorot.Simulation(universe(4), softening=0.4, step=0.5)
    with pytest.raises(ValueError, match="must be after"):
        sim.evolve(LCDM.time_of(60))
