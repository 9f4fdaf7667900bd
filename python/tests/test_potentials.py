"""External potentials: their fields at points, in forces and in simulations, and the bits of the program."""

import pickle
import subprocess

import numpy as np
import pytest

import heorot

HALO = {"kind": "hernquist", "mass": 3.0, "scale": 2.0}


def cloud(n, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), np.full(n, 1.0 / n)


KINDS = {
    "point-mass": ({"mass": 2.0, "softening": 0.3}, lambda r, R, z: -2.0 / np.sqrt(r**2 + 0.09)),
    "isochrone": ({"mass": 2.0, "scale": 0.5}, lambda r, R, z: -2.0 / (0.5 + np.sqrt(0.25 + r**2))),
    "logarithmic": ({"speed": 1.5, "core": 0.2, "flattening": 0.8}, lambda r, R, z: 1.125 * np.log(0.04 + R**2 + z**2 / 0.64)),
    "nfw": ({"mass": 2.0, "scale": 0.5}, lambda r, R, z: -2.0 * np.log(1 + r / 0.5) / r),
    "hernquist": ({"mass": 2.0, "scale": 0.5}, lambda r, R, z: -2.0 / (r + 0.5)),
    "miyamoto-nagai": (
        {"mass": 2.0, "scale": 0.5, "height": 0.1},
        lambda r, R, z: -2.0 / np.sqrt(R**2 + (0.5 + np.sqrt(z**2 + 0.01)) ** 2),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_fields_are_those_of_the_formulas(kind):
    keys, formula = KINDS[kind]
    potential = heorot.Potential({"kind": kind, **keys})

    def wanted(pos):
        R = np.hypot(pos[:, 0], pos[:, 1])
        return formula(np.hypot(R, pos[:, 2]), R, pos[:, 2])

    pos, _ = cloud(50)
    np.testing.assert_allclose(potential.potential(pos), wanted(pos), rtol=1e-13)
    slopes = [(wanted(pos + step) - wanted(pos - step)) / 2e-5 for step in 1e-5 * np.eye(3)]
    np.testing.assert_allclose(potential.acceleration(pos), -np.transpose(slopes), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind, speed, radius", [("MWPotential2014", 220.0, 8.0), ("McMillan2017", 233.1, 8.2)])
def test_milky_ways_have_their_circular_speed(kind, speed, radius):
    galaxy = heorot.Potential({"kind": kind}, units="galactic")
    inward = -galaxy.acceleration([radius, 0.0, 0.0])[0]
    assert np.sqrt(radius * inward) == pytest.approx(speed, rel=3e-3)
    parsec = heorot.Units(3.0856775814913673e18, 1.988409870698051e33, 1e5)
    other = heorot.Potential({"kind": kind}, units=parsec)
    assert -other.acceleration([1e3 * radius, 0.0, 0.0])[0] == pytest.approx(inward / 1e3, rel=1e-9)
    with pytest.raises(ValueError, match=r"potentials.0.kind: is given in kpc and km/s, so units are needed"):
        heorot.Potential({"kind": kind})


def test_potentials_move_turn_and_grow(tmp_path):
    point = {"kind": "point-mass", "mass": 2.0}
    at = [3.0, 0.0, 0.0]
    moving = heorot.Potential({**point, "centre": [1, 0, 0], "velocity": [0.5, 0, 0]})
    assert moving.potential(at, time=2.0) == -2.0
    circle = heorot.Potential({**point, "orbit": {"radius": 1.0, "period": 4.0, "angle": 0.0}})
    assert circle.potential(at, time=2.0) == pytest.approx(-0.5)
    growing = heorot.Potential({**point, "growth": {"start": 0.0, "duration": 2.0}})
    np.testing.assert_allclose([growing.potential(at, time=t) for t in (-1, 1, 5)], np.array([0, 0.5, 1]) * -2 / 3)
    bar = {"kind": "bar", "strength": 0.01, "speed": 1.0, "radius": 1.0, "length": 0.5, "pattern_speed": np.pi / 4}
    turning = heorot.Potential(bar)
    assert turning.potential([0.0, 3.0, 0.0], time=2.0) == pytest.approx(turning.potential(at, time=0.0))
    (tmp_path / "track.csv").write_text("time,x,y,z\n0,0,0,0\n1,1,0,0\n2,2,0,0\n")
    track = heorot.Potential({**point, "track": tmp_path / "track.csv"})
    assert track.potential(at, time=1.0) == pytest.approx(-1.0)
    with pytest.raises(ValueError, match=r"potentials\.0\.track = .*: the table goes from time 0 to 2"):
        track.potential(at, time=3.0)
    with pytest.raises(ValueError, match="time = NaN"):
        track.potential(at, time=np.nan)


def test_potentials_add_up_and_are_pickled():
    parts = [HALO, {"kind": "point-mass", "mass": 1.0, "centre": np.array([0, 0, 1.0])}]
    both = heorot.Potential(parts)
    pos, _ = cloud(20)
    singles = [heorot.Potential(part).potential(pos) for part in parts]
    np.testing.assert_allclose(both.potential(pos), sum(singles))
    again = pickle.loads(pickle.dumps(both))
    np.testing.assert_array_equal(again.acceleration(pos), both.acceleration(pos))
    assert len(both) == 2 and repr(both) == "<heorot.Potential: hernquist, point-mass>"
    assert heorot.Potential([]).potential(pos).tolist() == [0.0] * 20


def test_a_field_is_added_to_forces():
    pos, mass = cloud(60)
    acc, pot = heorot.accelerations(pos, mass, theta=0.6)
    halo = heorot.Potential(HALO)
    for given in (HALO, [HALO], halo):
        found = heorot.accelerations(pos, mass, theta=0.6, potentials=given)
        np.testing.assert_array_equal(found[0], acc + halo.acceleration(pos))
        np.testing.assert_array_equal(found[1], pot + halo.potential(pos))
    grows = {**HALO, "growth": {"start": 0.0, "duration": 1.0}}
    np.testing.assert_array_equal(heorot.direct(pos, mass, potentials=grows)[0], heorot.direct(pos, mass)[0])
    later = heorot.direct(pos, mass, potentials=grows, time=1.0)
    np.testing.assert_array_equal(later[0], heorot.direct(pos, mass, potentials=HALO)[0])


def test_an_accuracy_may_be_that_of_the_total_force():
    pos, mass = cloud(3000)
    field = {"kind": "hernquist", "mass": 5.0, "scale": 1.0}
    how = {"accuracy": 1e-3, "potentials": field, "softening": 0.02}
    exact, plain = (heorot.direct(pos, mass, softening=0.02, **more)[0] for more in ({"potentials": field}, {}))

    def errors(**more):
        off = np.linalg.norm(heorot.accelerations(pos, mass, **how, **more)[0] - exact, axis=1)
        return [np.sqrt(np.mean((off / np.linalg.norm(of, axis=1)) ** 2)) for of in (exact, plain)]

    default, own, total = errors(), errors(accuracy_of="self-gravity"), errors(accuracy_of="total")
    assert default == own and own[1] < 1.1e-3 and own[0] < 3e-4
    assert 4e-4 < total[0] < 1.1e-3 and total[1] > 2e-3
    for wrong, message in [
        ({"accuracy_of": "everything"}, 'accuracy_of = "everything": must be one of self-gravity, total'),
        ({"accuracy_of": "total", "theta": 0.5}, "accuracy_of has no meaning with theta"),
        ({"accuracy_of": "total", "order": 2}, "accuracy_of has no meaning with order alone"),
        ({"accuracy_of": "total", "walk": "direct"}, "accuracy_of has no meaning with walk"),
    ]:
        with pytest.raises(ValueError, match=message):
            heorot.accelerations(pos, mass, **wrong)


def test_potentials_do_not_go_with_a_periodic_box():
    pos, mass = cloud(20)
    with pytest.raises(ValueError, match="external potentials are not possible in a periodic box") as error:
        heorot.accelerations(pos % 4.0, mass, box=4.0, potentials=HALO)
    assert "\n" not in str(error.value)
    for call in (
        lambda: heorot.direct(pos % 4.0, mass, box=4.0, potentials=HALO),
        lambda: heorot.Simulation(heorot.Bodies(pos % 4.0, mass, box=4.0), step=0.1, potentials=HALO),
    ):
        with pytest.raises(ValueError, match="external potentials are not possible in a periodic box"):
            call()


def test_tracers_keep_their_energy_in_a_potential():
    tracers = heorot.Bodies([[1.0, 0, 0], [0, 2.0, 0]], [0.0, 0.0], [[0, 0.5, 0.1], [0.6, 0, 0]])
    errors = []
    for step in (0.02, 0.01):
        sim = heorot.Simulation(tracers, step=step, walk="direct", potentials=HALO)
        state = sim.evolve(2.0)
        specific = 0.5 * (state.bodies.vel**2).sum(axis=1) + heorot.Potential(HALO).potential(state.bodies.pos)
        np.testing.assert_allclose(state.bodies.pot, heorot.Potential(HALO).potential(state.bodies.pos), rtol=1e-14)
        assert state.energy == pytest.approx(specific.sum()) and state.external < 0 == state.potential
        errors.append(abs(state.energy_error))
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.3)


BAD = [
    ({}, "potentials.0.missing field `kind`"),
    ({"kind": "plumer"}, "potentials.0.kind = \"plumer\": unknown variant"),
    ({"kind": "nfw", "mass": 1.0}, "potentials.0.scale is missing"),
    ({"kind": "nfw", "mass": -1.0, "scale": 1.0}, "potentials.0.mass = -1.0: must be above 0"),
    ({"kind": "nfw", "mass": "big", "scale": 1.0}, "potentials.0.mass = \"big\": invalid type"),
    ({"kind": "nfw", "mass": 1.0, "scale": 1.0, "core": 2.0}, "potentials.0.core: has no meaning for this kind"),
    ({"kind": "nfw", "mas": 1.0, "scale": 1.0}, "potentials.0.mas = 1.0: unknown field"),
    ({"kind": "nfw", "mass": 1.0, "scale": 1.0, "centre": [0, 0]}, "potentials.0.centre = [0,0]: invalid length"),
    ({**HALO, "orbit": {"radius": 1.0}}, "potentials.0.orbit"),
    ({**HALO, "track": "missing.csv"}, "potentials.0.track"),
    ({**HALO, "velocity": [0, 0, 1], "track": "missing.csv"}, "give one of `velocity`, `orbit` and `track`"),
    ({**HALO, "friction": {}}, "potentials.0.friction: "),
    ({**HALO, "mass": float("nan")}, "potentials.0.mass"),
    ({**HALO, "mass": 10**400}, "potentials.0.mass"),
]


@pytest.mark.parametrize("keys, message", BAD, ids=[message for _, message in BAD])
def test_bad_keys_are_named(keys, message):
    pos, mass = cloud(5)
    for call in (heorot.Potential, lambda keys: heorot.accelerations(pos, mass, potentials=[keys])):
        with pytest.raises(ValueError) as error:
            call(keys)
        assert message in str(error.value) and "\n" not in str(error.value)


def test_what_are_no_potentials_is_a_type_error():
    for given in (3.0, "nfw", [3.0], ["nfw"]):
        with pytest.raises(TypeError, match="potentials"):
            heorot.Potential(given)
    with pytest.raises(ValueError, match="the bodies None and 1.0"):
        heorot.Simulation(heorot.Bodies(*cloud(4)), step=0.1, potentials=heorot.Potential(HALO, units="galactic"))
    for bad in (np.zeros((3, 2)), [[0, 0, np.nan]], 1.0):
        with pytest.raises(ValueError, match="pos"):
            heorot.Potential(HALO).potential(bad)


def test_a_mass_with_friction_needs_the_end_of_its_orbit():
    sinking = {"kind": "point-mass", "mass": 0.1, "softening": 0.1, "centre": [2, 0, 0], "velocity": [0, 0.5, 0], "friction": {}}
    bodies = heorot.Bodies(*cloud(20))
    with pytest.raises(ValueError, match=r"potentials\.1\.friction: the orbit goes from time 0 to 0"):
        heorot.Simulation(bodies, step=0.1, softening=0.1, potentials=[HALO, sinking]).evolve(0.5)
    potential = heorot.Potential([HALO, sinking], until=1.0)
    sim = heorot.Simulation(bodies, step=0.1, softening=0.1, potentials=potential)
    sim.evolve(1.0)
    with pytest.raises(ValueError, match=r"potentials\.1\.friction"):
        sim.step(100)
    assert sim.steps == 10


def test_quantities_of_astropy_are_converted():
    u = pytest.importorskip("astropy.units")
    keys = {"kind": "nfw", "mass": 9e11 * u.solMass, "scale": 19.6e3 * u.pc, "centre": [1, 2, 3] * u.pc}
    plain = {"kind": "nfw", "mass": 90.0, "scale": 19.6, "centre": [1e-3, 2e-3, 3e-3]}
    pos = cloud(5)[0]
    found = heorot.Potential(keys, units="galactic").acceleration(pos * u.kpc)
    np.testing.assert_allclose(found, heorot.Potential(plain, units="galactic").acceleration(pos), rtol=1e-12)
    bar = {"kind": "bar", "strength": 0.01, "speed": 220 * u.km / u.s, "radius": 8, "length": 3.5}
    for speed in (50 * u.km / u.s / u.kpc, 50 * u.rad * u.km / u.s / u.kpc):
        turning = heorot.Potential({**bar, "pattern_speed": speed, "angle": np.pi / 6 * u.rad}, units="galactic")
        wanted = heorot.Potential({**bar, "speed": 220, "pattern_speed": 50, "angle": 30}, units="galactic")
        np.testing.assert_allclose(turning.acceleration(pos, 0.1), wanted.acceleration(pos, 0.1), rtol=1e-9)
    with pytest.raises(ValueError, match="a mass is wanted"):
        heorot.Potential({**plain, "mass": 1 * u.kpc}, units="galactic")
    with pytest.raises(ValueError, match="mass has a unit, so units are needed"):
        heorot.Potential({**plain, "mass": 1 * u.solMass})


TABLES = """
[[potential]]
kind = "MWPotential2014"
[[potential]]
kind = "point-mass"
mass = 0.5
softening = 0.3
orbit = { radius = 3.0, period = 0.02, angle = 20.0 }
[[potential]]
kind = "bar"
strength = 0.01
speed = 220.0
radius = 8.0
length = 3.5
pattern_speed = 50.0
growth = { start = 0.0, duration = 0.003 }
"""
LIST = [
    {"kind": "MWPotential2014"},
    {"kind": "point-mass", "mass": 0.5, "softening": 0.3, "orbit": {"radius": 3.0, "period": 0.02, "angle": 20.0}},
    {
        "kind": "bar",
        "strength": 0.01,
        "speed": 220.0,
        "radius": 8.0,
        "length": 3.5,
        "pattern_speed": 50.0,
        "growth": {"start": 0.0, "duration": 0.003},
    },
]


@pytest.mark.parametrize("of", ["self-gravity", "total"])
@pytest.mark.parametrize("timestep", ["fixed", "block"])
def test_a_run_in_potentials_has_the_bits_of_the_program(timestep, of, program, tmp_path):
    (tmp_path / "run.toml").write_text(f"""
[initial]
model = "plummer"
bodies = 500
seed = 3
radius = 2.0
[gravity]
softening = 0.1
accuracy = 1e-3
accuracy_of = "{of}"
[time]
end = 0.004
step = 0.001
timestep = "{timestep}"
[output]
folder = "{tmp_path}/out"
at = [0.0015, 0.004]
{TABLES}""")
    done = subprocess.run([program, "run", str(tmp_path / "run.toml")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    bodies = heorot.model("plummer", bodies=500, seed=3, radius=2.0)
    sim = heorot.Simulation(
        bodies, softening=0.1, accuracy=1e-3, accuracy_of=of, step=0.001, timestep=timestep, potentials=LIST
    )
    states = list(sim.run(at=[0.0, 0.0015, 0.004]))
    files = sorted((tmp_path / "out").glob("snapshot_*.hdf5"))
    assert len(files) == len(states) == 3
    for path, state in zip(files, states):
        found = heorot.load(path)
        found = found[np.argsort(found.id)]
        assert found.time == state.time
        for name in ("mass", "pos", "vel"):
            np.testing.assert_array_equal(getattr(found, name), getattr(state.bodies, name), err_msg=f"{path} {name}")
    again = pickle.loads(pickle.dumps(sim))
    np.testing.assert_array_equal(again.evolve(0.005).bodies.pos, sim.evolve(0.005).bodies.pos)
