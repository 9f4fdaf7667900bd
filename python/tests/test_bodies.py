"""Bodies, models, files, neighbours, haloes, profiles, pictures and units."""

import html
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import heorot
from common import cloud, decode, description_of, plummer


def test_models_have_their_keys():
    galaxy = heorot.model("disc-galaxy", preset="andromeda", bodies=500, seed=2)
    assert len(galaxy) == 500 and set(galaxy.type) == {1, 2, 3}
    assert galaxy.G == pytest.approx(43009.17, rel=1e-5)
    assert plummer(mass=3.0).mass.sum() == pytest.approx(3.0)
    pair = [{"model": "king", "bodies": 20}, {"model": "plummer", "bodies": 30, "mass": 2}]
    assert len(heorot.model("encounter", pericentre=3, distance=40, galaxies=pair)) == 50


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"name": "bulge", "bodies": 10}, "unknown variant `bulge`"),
        ({"name": "plummer"}, "`bodies` is missing"),
        ({"name": "plummer", "bodies": 10, "w0": 3.0}, "`w0` has no meaning"),
        ({"name": "plummer", "bodies": 10, "radius": -1}, "radius = -1.0: must be above 0"),
        ({"name": "plummer", "bodies": 10, "colour": 1}, "unknown field `colour`"),
        ({"name": "plummer", "bodies": -10}, "invalid value"),
    ],
)
def test_bad_keys_of_models_are_named(keys, message):
    with pytest.raises(ValueError, match=message):
        heorot.model(**keys)


@pytest.mark.parametrize("name", ["bodies.hdf5", "swift.hdf5", "bodies.npz"])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_files_keep_bodies(name, precision, tmp_path):
    galaxy = heorot.model("disc-galaxy", bodies=300, seed=2)
    galaxy.time = 0.25
    path = tmp_path / name
    format = "swift" if name.startswith("swift") else None
    heorot.save(path, galaxy, precision=precision, compression=3, format=format)
    with pytest.raises(ValueError, match="exist"):
        heorot.save(path, galaxy, format=format)
    heorot.save(path, galaxy, precision=precision, format=format, overwrite=True)
    found = heorot.load(path)
    found = found[np.argsort(found.id)]
    close = {"rtol": 1e-15, "atol": 1e-12} if precision == "double" else {"rtol": 1e-5, "atol": 1e-3}
    for column in ("mass", "pos", "vel"):
        np.testing.assert_allclose(getattr(found, column), getattr(galaxy, column), **close, err_msg=column)
    np.testing.assert_array_equal(found.type, galaxy.type)
    if path.suffix == ".hdf5":
        assert found.time == 0.25 and found.units == galaxy.units
        assert set(heorot.load(path, types=[2, 3]).type) == {2, 3}
        nbody = heorot.load(path, units="nbody")
        assert nbody.vel.std() * 207.38653 == pytest.approx(found.vel.std(), rel=1e-5)


def test_tables_are_read(tmp_path):
    path = tmp_path / "bodies.txt"
    path.write_text("mass x y z vx vy vz\n1 0 0 0 0 0 0\n2 1 0 0 0 3 0\n")
    with pytest.warns(UserWarning, match="numbered in the order"):
        found = heorot.load(path)
    np.testing.assert_array_equal(found.mass, [1, 2])
    assert found.vel[1, 1] == 3


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(OSError, match="nothing.hdf5"):
        heorot.load(tmp_path / "nothing.hdf5")
    (tmp_path / "empty.hdf5").write_bytes(b"")
    with pytest.raises(ValueError, match="empty.hdf5"):
        heorot.load(tmp_path / "empty.hdf5")
    with pytest.raises(ValueError, match="format"):
        heorot.save(tmp_path / "a.hdf5", plummer(), format="tipsy")


@given(n=st.integers(2, 60), seed=st.integers(0, 10**6), grid=st.booleans())
def test_neighbours_are_those_of_all_pairs(n, seed, grid):
    rng = np.random.default_rng(seed)
    pos = rng.integers(0, 4, (n, 3)).astype(float) if grid else rng.normal(size=(n, 3)) ** 3
    k = int(rng.integers(1, n))
    distances, indices = heorot.neighbours(pos, k)
    all_pairs = np.linalg.norm(pos[None] - pos[:, None], axis=-1)
    rows = np.arange(n)[:, None]
    np.testing.assert_allclose(all_pairs[rows, indices], distances, rtol=1e-14)
    assert all(len(set(row)) == k and i not in row for i, row in enumerate(indices))
    np.fill_diagonal(all_pairs, np.inf)
    np.testing.assert_allclose(distances, np.sort(all_pairs, axis=1)[:, :k], rtol=1e-14)


def test_a_periodic_box_has_neighbours_and_haloes_across_its_faces():
    random = np.random.default_rng(3)
    pos = random.uniform(0, 2, (200, 3))
    distances, _ = heorot.neighbours(pos + [2.0, -6.0, 0.0], 3, box=2.0)
    apart = pos[:, None] - pos[None]
    apart -= 2.0 * np.round(apart / 2.0)
    expected = np.sort(np.linalg.norm(apart, axis=2), axis=1)[:, 1:4]
    np.testing.assert_allclose(distances, expected, rtol=1e-10)
    clump = random.normal(scale=0.01, size=(100, 3)) % 2.0
    bodies = heorot.Bodies(clump, np.ones(100))
    assert heorot.halos(bodies, linking_length=0.05, box=2.0).members.tolist() == [100]
    assert 100 not in heorot.halos(bodies, linking_length=0.05).members
    for box in [0.0, -1.0, np.inf, np.nan]:
        with pytest.raises(ValueError, match="box"):
            heorot.halos(bodies, linking_length=0.05, box=box)
    with pytest.raises(ValueError, match="linking_length = 1"):
        heorot.halos(bodies, linking_length=1.0, box=2.0)


def test_a_plane_wave_has_its_power_in_one_bin():
    side, cells, amplitude = 4.0, 16, 0.02
    lattice = (np.indices((cells, cells, cells)).reshape(3, -1).T + 0.5) * side / cells
    wave = 2 * np.pi * 3 / side
    lattice[:, 1] -= amplitude / wave * np.sin(wave * lattice[:, 1])
    spectrum = heorot.spectrum(heorot.Bodies(lattice, np.ones(len(lattice))), side, grid=32)
    # Half of the amplitude in each of two modes, of all modes of the bin.
    bin = int(np.argmax(spectrum.power[spectrum.k < np.pi * cells / side]))
    assert abs(spectrum.k[bin] / wave - 1) < 0.1 and spectrum.fold[bin] == 1
    expected = 2 * side**3 * (amplitude / 2) ** 2
    np.testing.assert_allclose(spectrum.power[bin] * spectrum.modes[bin], expected, rtol=0.01)
    for arguments in [{"grid": 5}, {"assignment": "ngp"}, {"fold": [1]}, {"box": -1.0}]:
        with pytest.raises(ValueError):
            heorot.spectrum(heorot.Bodies(lattice, np.ones(len(lattice))), **{"box": side, "grid": 32, **arguments})


def test_neighbours_of_impossible_bodies_are_refused():
    for k in (0, 3):
        with pytest.raises(ValueError, match=f"k = {k}"):
            heorot.neighbours(np.eye(3), k)
    with pytest.raises(ValueError, match="must be finite"):
        heorot.neighbours([[0, 0, np.nan], [0, 0, 1]], 1)


def test_haloes_are_clumps():
    rng = np.random.default_rng(5)
    centres = np.array([[0, 0, 0], [10, 0, 0], [0, 10, 0]])
    which = np.repeat([0, 1, 2, 0], [100, 60, 40, 30])
    pos = centres[which] + 0.1 * rng.normal(size=(230, 3))
    bodies = heorot.Bodies(pos, np.full(230, 2.0))
    halos = heorot.halos(bodies, linking_length=1.0, min_members=50)
    assert halos.members.tolist() == [130, 60] and len(halos) == 2
    np.testing.assert_array_equal(halos.of, np.where(which == 2, -1, which))
    np.testing.assert_allclose(halos.pos[0], pos[which == 0].mean(0), rtol=1e-12, atol=1e-14)
    assert halos.mass[1] == 120
    assert len(heorot.halos(bodies, min_members=1000)) == 0
    with pytest.raises(ValueError, match="linking"):
        heorot.halos(bodies, linking=-1.0)


def test_a_plummer_sphere_has_its_density():
    sphere = plummer(20_000)
    profile = heorot.profile(sphere, shells=12, radius=(0.2, 5.0), centre=(0, 0, 0))
    wanted = 3 / (4 * np.pi) * (1 + profile.radius**2) ** -2.5
    np.testing.assert_allclose(profile.density, wanted, rtol=0.2)
    assert np.all(np.diff(profile.enclosed) > 0)
    np.testing.assert_allclose(profile.circular_speed**2 * profile.outer, profile.enclosed)
    found = heorot.profile(sphere)
    assert np.linalg.norm(found.centre) < 0.1 and 2 < len(found) <= 30


def test_pictures(tmp_path):
    galaxy = heorot.model("disc-galaxy", bodies=500, seed=2)
    picture = heorot.render(galaxy, width=60, size=200)
    png = picture._repr_png_()
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and png[16:24] == (200).to_bytes(4, "big") * 2
    picture.save(tmp_path / "disc.png")
    assert (tmp_path / "disc.png").read_bytes() == png
    assert heorot.render(galaxy, axis="x", size=(300, 200), colours="galaxy", types=[2]).png != png
    with pytest.raises(ValueError, match="png"):
        picture.save(tmp_path / "disc.jpg")
    for bad in ({"size": 3}, {"width": -1.0}, {"axis": "w"}, {"colours": "grey"}, {"types": [9]}, {"types": [5]}):
        with pytest.raises(ValueError):
            heorot.render(galaxy, **bad)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"pos": np.zeros((3, 2)), "mass": np.ones(3)}, "pos has the shape"),
        ({"pos": np.zeros((3, 3)), "mass": np.ones(4)}, "as there are 4 masses"),
        ({"pos": np.zeros((3, 3)), "mass": np.ones((3, 1))}, "mass has the shape"),
        ({"pos": np.zeros((3, 3)), "mass": np.ones(3), "vel": np.zeros(3)}, "vel has the shape"),
        ({"pos": np.zeros((3, 3)), "mass": np.ones(3), "id": [1.5, 2, 3]}, "id has the dtype"),
        ({"pos": np.zeros((3, 3)), "mass": np.ones(3), "type": [1, 2, 300]}, "type: must be from 0"),
    ],
)
def test_bodies_of_wrong_shapes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        heorot.Bodies(**arguments)


def test_units():
    assert heorot.Units.NBODY.G == 1.0
    assert heorot.Units.GALACTIC.G == pytest.approx(43009.17, rel=1e-5)
    with pytest.raises(ValueError, match="mass_in_g = -1"):
        heorot.Units(1.0, -1, 1.0)


def test_quantities_of_astropy_are_converted():
    u = pytest.importorskip("astropy.units")
    pos = np.array([[0, 0, 0], [1, 0, 0]]) * u.Mpc
    mass = [1e12, 2e12] * u.solMass
    acc, _ = heorot.accelerations(pos, mass, softening=1 * u.pc, walk="direct")
    plain, _ = heorot.accelerations(pos.to_value(u.kpc), [100, 200], softening=1e-3, walk="direct", units="galactic")
    np.testing.assert_allclose(acc, plain, rtol=1e-4)
    bodies = heorot.Bodies(pos, mass, [[0, 0, 0], [0, 1, 0]] * u.pc / u.Myr)
    assert bodies.units == heorot.Units.GALACTIC
    assert bodies.vel[1, 1] == pytest.approx(0.97779, rel=1e-4)
    with pytest.raises(ValueError, match="a length is wanted"):
        heorot.accelerations(pos.value * u.kg, mass)


def test_a_page_has_all_bodies_at_their_places(tmp_path):
    galaxy = heorot.model("disc-galaxy", bodies=500, seed=2)
    page = heorot.view(galaxy)
    places, speed, kinds = decode(page)
    side = np.ptp(galaxy.pos, axis=0).max()
    found = places * side + galaxy.pos.min(axis=0)
    order, theirs = (np.lexsort(np.round(pos, 3).T) for pos in (galaxy.pos, found))
    np.testing.assert_allclose(found[theirs], galaxy.pos[order], atol=side * 2**-23)
    assert sorted(kinds) == sorted(galaxy.type) and speed.min() >= 1
    page.save(tmp_path / "galaxy.html")
    assert (tmp_path / "galaxy.html").read_text() == page.html
    with pytest.raises(ValueError, match="must end with .html"):
        page.save(tmp_path / "galaxy.htm")
    shown = page._repr_html_()
    inside = re.search('^<iframe srcdoc="([^"]*)" sandbox="allow-scripts', shown)[1]
    assert html.unescape(inside) == page.html


def test_a_page_plays_states_in_the_order_of_their_times():
    sim = heorot.Simulation(plummer(100), softening=0.1, step=0.1)
    states = list(sim.run(until=0.4, every=0.2))
    page = heorot.view([states[1], states[0]], most=60)
    description = description_of(page)
    assert [frame["time"] for frame in description["frames"]] == [0.2, 0.4]
    assert (description["count"], description["total"]) == (60, 100)
    low = np.minimum(states[0].bodies.pos.min(axis=0), states[1].bodies.pos.min(axis=0))
    found = [decode(page, frame)[0] * description["side"] + low for frame in (0, 1)]
    for places, state in zip(found, states):
        distance = np.linalg.norm(places[:, None] - state.bodies.pos[None], axis=-1)
        assert distance.min(axis=1).max() < 1e-5
        place = distance.argmin(axis=1)
        assert len(set(place)) == 60
    # All frames show the same bodies.
    first, second = (np.linalg.norm(p[:, None] - s.bodies.pos[None], axis=-1).argmin(axis=1) for p, s in zip(found, states))
    np.testing.assert_array_equal(first, second)


def test_what_cannot_be_viewed_is_named():
    sphere, twice = plummer(10), plummer(10)
    twice.id[:] = 3
    other = heorot.model("plummer", bodies=10, seed=1)
    bad = plummer(10)
    bad.pos[4, 1] = np.inf
    for bodies, keys, message in [
        ([], {}, "none to show"),
        ([sphere, twice], {}, "the id 3 occurs twice"),
        ([sphere, other], {}, "same units"),
        ([sphere, heorot.Bodies(sphere.pos, sphere.mass, units=sphere.units, box=9.0)], {}, "same box"),
        (bad, {}, r"pos\[4\] holds inf"),
        (sphere, {"most": 0}, "most = 0"),
        (sphere, {"types": [4]}, "no bodies to show"),
        (sphere, {"height": 0}, "height = 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            heorot.view(bodies, **keys)
    with pytest.raises(TypeError, match="not ndarray"):
        heorot.view([sphere.pos])
    assert len(decode(heorot.view(twice))[2]) == 10  # alone, bodies need no names


@pytest.mark.parametrize(
    "keys, message",
    [
        ({"radius": "wide"}, 'radius = "wide": invalid type'),
        ({"radius": float("nan")}, "radius = nan: must be finite"),
        ({"radius": np.float64("inf")}, "radius = inf: must be finite"),
        ({"bodies": 10**30}, "bodies: is out of range"),
        ({"bodies": 10, "radios": 1.0}, "radios = 1.0: unknown field"),
    ],
)
def test_keys_with_wrong_values_are_named(keys, message):
    with pytest.raises(ValueError) as error:
        heorot.model("plummer", **keys)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


def test_galaxies_of_a_page_are_named_by_their_ids():
    bodies = heorot.model(
        "encounter",
        pericentre=3,
        distance=40,
        galaxies=[{"model": "plummer", "bodies": 40}, {"model": "plummer", "bodies": 60}],
    )
    page = heorot.view(bodies, galaxies=[(0, 39), (40, 99)]).html
    assert 'id="galaxies"' in page and 'id="galaxies"' not in heorot.view(bodies).html
    with pytest.raises(ValueError, match="galaxies: 100 are more than"):
        heorot.view(bodies, galaxies=[(0, 1)] * 100)


def test_bodies_of_a_rare_type_have_trails():
    bodies = heorot.Bodies(*cloud(100), type=np.where(np.arange(100) < 3, 4, 1))
    sim = heorot.Simulation(bodies, softening=0.1, step=0.1)
    page = heorot.view(list(sim.run(until=0.4, every=0.2)), most=10)
    paths = description_of(page)["paths"]
    assert sorted(path["id"] for path in paths) == [0, 1, 2] and all(len(path["places"]) == 2 for path in paths)
