"""What careless or hostile callers pass: odd arrays, impossible numbers, other types."""

import os

import numpy as np
import pytest

import heorot
from common import cloud, plummer, simulation


class Table:
    """An object that is an array only when asked, as a table of pandas is."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


class Named(np.ndarray):
    """An array of a class of its own."""


def odd_arrays(pos, mass):
    read_only = pos.copy(), mass.copy()
    [array.setflags(write=False) for array in read_only]
    backwards = np.ascontiguousarray(pos[::-1, ::-1])[::-1, ::-1], np.ascontiguousarray(mass[::-1])[::-1]
    wide = np.zeros((len(pos), 7))
    wide[:, 2:5] = pos
    unaligned = np.zeros(8 * pos.size + 1, dtype=np.uint8)[1:].view(np.float64).reshape(pos.shape)
    unaligned[:] = pos
    record = np.zeros(len(pos), dtype=[("id", "i4"), ("pos", "f8", 3), ("mass", "f8")])
    record["pos"], record["mass"] = pos, mass
    return {
        "read-only": read_only,
        "backwards": backwards,
        "columns of a wide table": (wide[:, 2:5], mass),
        "fields of records": (record["pos"], record["mass"]),
        "not aligned": (unaligned, mass),
        "lists": (pos.tolist(), mass.tolist()),
        "of a subclass": (pos.view(Named), mass.view(Named)),
        "tables": (Table(pos), Table(mass)),
        "masked, but nothing is": (np.ma.masked_array(pos), np.ma.masked_array(mass, mask=np.zeros(len(mass), bool))),
        "long double": (pos.astype(np.longdouble), mass),
        "one mass spread by a stride of 0": (pos, np.broadcast_to(mass[:1], mass.shape)),
    }


@pytest.mark.parametrize("kind", odd_arrays(*cloud(3)))
def test_odd_arrays_give_the_same_bits(kind):
    pos, mass = cloud(40)
    given = odd_arrays(pos, mass)[kind]
    if kind.startswith("one mass"):
        mass = np.full(40, mass[0])
    acc, pot = heorot.accelerations(*given, theta=0.6)
    wanted, potential = heorot.accelerations(pos, mass, theta=0.6)
    np.testing.assert_array_equal(acc, wanted)
    np.testing.assert_array_equal(pot, potential)
    assert type(acc) is np.ndarray and acc.flags.c_contiguous and acc.flags.writeable


REFUSED = {
    "no bodies": (np.zeros((0, 3)), np.zeros(0), "there are no bodies"),
    "a single number": (1.0, 1.0, "pos has the shape"),
    "a masked position": (np.ma.masked_array(np.eye(3), mask=np.eye(3)), np.ones(3), "pos: some values are masked"),
    "a masked mass": (np.eye(3), np.ma.masked_array([1.0, 2, 3], mask=[0, 1, 0]), "mass: some values are masked"),
    "objects": (np.array([[1, 2, None]] * 2), np.ones(2), "pos has the dtype object"),
    "dates": (np.eye(3), np.array(["2020-01-01"] * 3, dtype="M8[D]"), "mass has the dtype"),
    "nothing": (None, None, "pos has the dtype object"),
    "rows of four": (np.zeros((5, 4)), np.ones(5), "pos has the shape (5, 4)"),
    "transposed": (np.zeros((3, 5)), np.ones(5), "pos has the shape (3, 5)"),
    "more rows than memory": (np.broadcast_to(np.zeros(3), (2**34, 3)), np.broadcast_to(1.0, 2**34), "rows: needs"),
    "masses of more rows": (np.eye(3), np.broadcast_to(1.0, 2**40), "mass has 1099511627776 rows for 3 bodies"),
    "far away": (np.eye(3) * 1e301, np.ones(3), "must be from -1e300 to 1e300"),
    "a huge extent": (np.eye(3) * 1e200, np.ones(3), "the distance of the bodies"),
    "a negative mass": (np.eye(3), np.array([1.0, -1, 1]), "body with id 1: mass is -1, must be 0 or above"),
    "an overflow in single precision": (np.eye(3), np.array([1, np.inf, 1], dtype=np.float32), "mass is inf"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_impossible_bodies_are_refused_in_one_line(what):
    pos, mass, message = REFUSED[what]
    with pytest.raises(ValueError) as error:
        heorot.accelerations(pos, mass)
    assert message in str(error.value) and "\n" not in str(error.value)


def test_one_body_has_no_field():
    for how in ({"accuracy": 1e-3}, {"theta": 0.5}, {"walk": "direct"}, {"walk": "tree", "tolerance": 1e-3}):
        acc, pot = heorot.accelerations([[1.0, 2.0, 3.0]], [5.0], **how)
        assert acc.tolist() == [[0, 0, 0]] and pot.tolist() == [0], how


def test_massless_bodies_feel_and_do_not_attract():
    acc, pot = heorot.accelerations([[0, 0, 0], [2.0, 0, 0], [0, 1.0, 0]], [4.0, 0, 0], walk="direct")
    np.testing.assert_allclose(acc, [[0, 0, 0], [-1, 0, 0], [0, -4, 0]])
    np.testing.assert_allclose(pot, [0, -2, -4])
    bodies = heorot.Bodies(np.random.default_rng(1).normal(size=(500, 3)), np.zeros(500))
    assert heorot.render(bodies, size=(160, 160)) is not None
    shells = heorot.profile(bodies)
    assert np.all(shells.mass == 0) and np.all(np.isfinite(shells.dispersion)) and shells.bodies.sum() > 400


def test_bodies_at_one_place_do_not_attract_each_other():
    acc, pot = heorot.accelerations(np.ones((300, 3)), np.ones(300), theta=0.5, softening=0.1)
    assert np.all(acc == 0) and np.all(np.isfinite(pot))


def test_quantities_of_a_wrong_dimension_are_refused():
    u = pytest.importorskip("astropy.units")
    pos, mass = cloud(5)
    cases = [
        (lambda: heorot.accelerations(pos * u.kpc, mass * u.kpc), "a mass is wanted"),
        (lambda: heorot.accelerations(pos * u.kpc, mass * u.solMass, softening=1 * u.s), "a length is wanted"),
        (lambda: heorot.Bodies(pos * u.kpc, mass * u.solMass, pos * u.kpc), "a velocity is wanted"),
        (lambda: heorot.Bodies(pos * u.kpc, mass * u.solMass, time=1 * u.kpc), "a time is wanted"),
        (lambda: heorot.model("plummer", bodies=10, radius=1 * u.kg), "a length is wanted"),
        (lambda: heorot.Bodies(pos * u.mag, mass * u.solMass), "a length is wanted"),
    ]
    for call, message in cases:
        with pytest.raises(ValueError, match=message):
            call()
    acc, _ = heorot.accelerations(pos * u.kpc, mass)  # plain masses are in the units of the others
    plain, _ = heorot.accelerations(pos, mass, units="galactic")
    np.testing.assert_allclose(acc, plain, rtol=1e-12)


def test_no_bodies_are_refused_everywhere(tmp_path):
    none = heorot.Bodies(np.zeros((0, 3)), [])
    cases = [
        lambda: heorot.Simulation(none, softening=0.1, step=0.1),
        lambda: heorot.halos(none, linking_length=1.0),
        lambda: heorot.profile(none),
        lambda: heorot.spectrum(none, 1.0, grid=16),
        lambda: heorot.neighbours(none.pos, 1),
        lambda: heorot.render(none),
        lambda: heorot.view(none),
        lambda: heorot.save(tmp_path / "none.hdf5", none),
        lambda: heorot.direct(none.pos, none.mass),
        lambda: heorot.direct(none.pos, none.mass, box=1.0),
    ]
    for case in cases:
        with pytest.raises(ValueError) as error:
            case()
        assert "\n" not in str(error.value)
    assert not (tmp_path / "none.hdf5").exists()


def bodies_with(**changed):
    """Bodies of which the caller has replaced arrays."""
    bodies = heorot.Bodies(*cloud(50))
    for name, value in changed.items():
        setattr(bodies, name, value)
    return bodies


IMPOSSIBLE = {
    "threads = -1": lambda: heorot.accelerations(*cloud(9), threads=-1),
    "threads = 1000000000000000000000000000000": lambda: heorot.direct(*cloud(9), threads=10**30),
    "order = -1": lambda: heorot.accelerations(*cloud(9), order=-1),
    "k = -1": lambda: heorot.neighbours(cloud(9)[0], -1),
    "min_members = -3": lambda: heorot.halos(plummer(), min_members=-3),
    "grid = -4": lambda: heorot.spectrum(plummer(), 1.0, grid=-4),
    "grid = 16384: needs": lambda: heorot.spectrum(plummer(), 1.0, grid=16384),
    r"fold = \[-1\]": lambda: heorot.spectrum(plummer(), 1.0, grid=8, fold=[-1]),
    "types: -1 is none": lambda: heorot.render(plummer(), types=[-1]),
    "compression = -1": lambda: heorot.save("never.hdf5", plummer(), compression=-1),
    "1000000000000000 bodies: needs": lambda: heorot.model("plummer", bodies=10**15),
    "type: 200 is none": lambda: heorot.render(bodies_with(type=np.full(50, 200, np.uint8))),
    "particle type is 200": lambda: heorot.halos(bodies_with(type=np.full(50, 200, np.uint8)), linking_length=1.0),
    "softening: must be a length": lambda: heorot.accelerations(*cloud(9), softening=[0.1] * 5),
    "softening: must be": lambda: heorot.accelerations(*cloud(9), softening="soft"),
    "time = nan": lambda: heorot.Simulation(bodies_with(time=float("nan")), softening=0.1, step=0.1),
    "is lost beside the time": lambda: heorot.Simulation(bodies_with(time=1e300), softening=0.1, step=0.1).step(),
    "pos: setting an array element": lambda: heorot.accelerations([[1, 2, 3], [1, 2]], [1, 2]),
    r"centre = \[1, 2\]: must be three": lambda: heorot.render(plummer(), centre=[1, 2]),
    r"galaxies: \(1,\) is no pair": lambda: heorot.view(plummer(), galaxies=[(1,)]),
    r"galaxies: \(5, 2\) is no pair": lambda: heorot.view(plummer(), galaxies=[(5, 2)]),
    "linking_length = -1": lambda: heorot.halos(plummer(), linking_length=-1),
    "omega_m = nan": lambda: heorot.Cosmology(float("nan"), 0.7, 0.7),
    "type: 9 is none": lambda: heorot.Bodies(*cloud(2), type=[1, 9]),
    "count = -1": lambda: simulation().step(-1),
    "size = 200.5": lambda: heorot.render(plummer(), size=200.5),
    r"radius = \(1,\)": lambda: heorot.profile(plummer(), radius=(1,)),
    "vel has 10 rows": lambda: heorot.halos(bodies_with(vel=np.zeros((10, 3))), linking_length=1.0),
    "id has the shape": lambda: heorot.halos(bodies_with(id=list(range(10))), linking_length=1.0),
    "mass has 50 rows": lambda: heorot.Simulation(bodies_with(pos=np.zeros((10, 3))), softening=0.1, step=0.1),
}


@pytest.mark.parametrize("message", IMPOSSIBLE)
def test_impossible_arguments_are_value_errors(message):
    with pytest.raises(ValueError, match=message) as error:
        IMPOSSIBLE[message]()
    assert "\n" not in str(error.value) and not os.path.exists("never.hdf5")


WRONG = {
    "box = '1': must be a number": lambda: heorot.accelerations(*cloud(9), box="1"),
    "G = 'one': must be a number": lambda: heorot.direct(*cloud(9), G="one"),
    "centre = 5: must be a sequence": lambda: heorot.render(plummer(), centre=5),
    "colours = 1: must be a string": lambda: heorot.render(plummer(), colours=1),
    "axis = None: must be a string": lambda: heorot.render(plummer(), axis=None),
    "neighbours = 1.5: must be a whole number": lambda: heorot.render(plummer(), neighbours=1.5),
    "width = 'all': must be a number": lambda: heorot.render(plummer(), width="all"),
    "types = 3: must be a sequence": lambda: heorot.render(plummer(), types=3),
    "types = 'a': must be a whole number": lambda: heorot.view(plummer(), types=["a"]),
    "height = 'high': must be a whole number": lambda: heorot.view(plummer(), height="high"),
    "most = 'all': must be a whole number": lambda: heorot.view(plummer(), most="all"),
    "bodies = 3: must be a sequence": lambda: heorot.view(3),
    "galaxies = 5: must be a sequence": lambda: heorot.view(plummer(), galaxies=5),
    "linking_length = 'far': must be a number": lambda: heorot.halos(plummer(), linking_length="far"),
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_types_are_named(message):
    with pytest.raises(TypeError) as error:
        WRONG[message]()
    assert str(error.value) == message


def test_arrays_that_a_caller_has_replaced_are_converted():
    wanted = heorot.halos(heorot.Bodies(*cloud(50)), linking_length=1.0, min_members=2)
    pos, mass = cloud(50)
    other = bodies_with(
        pos=pos.tolist(), mass=mass.astype(np.longdouble), id=np.arange(50), type=[1] * 50, vel=np.zeros((50, 3), int)
    )
    found = heorot.halos(other, linking_length=1.0, min_members=2)
    np.testing.assert_array_equal(found.of, wanted.of)
    np.testing.assert_array_equal(found.pos, wanted.pos)


def test_what_are_no_bodies_is_a_type_error(tmp_path):
    pos = cloud(9)[0]
    for call in (
        heorot.halos,
        heorot.profile,
        heorot.render,
        lambda pos: heorot.spectrum(pos, 1.0),
        lambda pos: heorot.save(tmp_path / "a.hdf5", pos),
        lambda pos: heorot.Simulation(pos, step=1.0),
    ):
        with pytest.raises(TypeError, match="must be Bodies, not ndarray"):
            call(pos)
    with pytest.raises(FileNotFoundError):
        heorot.Simulation.restore(tmp_path / "nothing")
