"""What careless or hostile callers do: odd arrays, failing steps, threads, forks, damaged files."""

import gc
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import heorot


def cloud(n, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), rng.uniform(0.5, 1.5, n) / n


def plummer(n=300):
    return heorot.model("plummer", bodies=n, seed=1, units="nbody")


def simulation(timestep="fixed"):
    return heorot.Simulation(plummer(), softening=0.05, step=0.02, timestep=timestep)


def same(a, b):
    for name in ("pos", "vel", "mass", "id", "type", "acc", "pot"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


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


@pytest.mark.parametrize("timestep", ["fixed", "block"])
@pytest.mark.parametrize("fault", ["panic", "error", "threads"])
def test_a_failed_step_leaves_the_state_before_it(timestep, fault):
    sim, other = simulation(timestep), simulation(timestep)
    sim.step()
    other.step()
    before, energy = sim.bodies, sim.energy
    if fault == "panic":
        with pytest.raises(heorot.InternalError, match="as asked"):
            sim._core.panic_for_tests(0.02)
    elif fault == "error":
        with pytest.raises(ValueError, match="position"):
            sim._core.advance(1e305, 1e305)
    else:
        with pytest.raises(ValueError, match="threads = 5000"):
            sim.threads = 5000
    assert (sim.steps, sim.time, sim.energy) == (1, other.time, energy)
    same(sim.bodies, before)
    same(pickle.loads(pickle.dumps(sim)).bodies, before)
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


def _load_in_a_child(path, queue):
    queue.put([len(heorot.load(path)) for _ in range(3)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_forked_process_reads_files(tmp_path):
    path = tmp_path / "sphere.hdf5"
    heorot.save(path, plummer())
    assert len(heorot.load(path)) == 300  # the reader of this process waits for more
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=_load_in_a_child, args=(path, queue)) for _ in range(3)]
    [child.start() for child in children]
    assert len(heorot.load(path)) == 300
    assert [queue.get(timeout=120) for _ in children] == [[300] * 3] * 3
    [child.join(10) for child in children]


def test_files_are_read_by_several_threads_at_once(tmp_path):
    paths = [tmp_path / f"{n}.hdf5" for n in (100, 200, 300)]
    [heorot.save(path, plummer(int(path.stem))) for path in paths]
    found = {}

    def load(path):
        found[path] = [len(heorot.load(path)) for _ in range(4)]

    threads = [threading.Thread(target=load, args=(path,)) for path in paths]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert found == {path: [int(path.stem)] * 4 for path in paths}


def test_a_reader_that_dies_is_an_error_and_not_the_end(tmp_path):
    """Whatever a file does to the HDF5 library, it does it to another process."""
    path = tmp_path / "sphere.hdf5"
    heorot.save(path, plummer())
    # A reader that ends as one does in which the library crashes.
    heorot._heorot.read_in_process([sys.executable, "-c", "import os; os.read(0, 1); os.kill(os.getpid(), 11)"])
    try:
        with pytest.raises(ValueError, match=r"sphere.hdf5: is damaged: the HDF5 library crashed on it \(signal 11\)"):
            heorot.load(path)
        heorot._heorot.read_in_process(["/nonexistent"])
        assert len(heorot.load(path)) == 300  # if no process can be started, this one reads
    finally:
        script = os.path.join(os.path.dirname(heorot.__file__), "_read.py")
        heorot._heorot.read_in_process([sys.executable, "-I", "-S", script, heorot._heorot.__file__])
    assert len(heorot.load(path)) == 300


def test_hdf5_files_are_read_by_a_process_of_their_own(tmp_path):
    path = tmp_path / "sphere.hdf5"
    heorot.save(path, plummer())
    code = """
import glob, sys, heorot
heorot.load(sys.argv[1])
children = [child for path in glob.glob("/proc/self/task/*/children") for child in open(path).read().split()]
print([open(f"/proc/{child}/cmdline").read().split("\\0")[3].endswith("_read.py") for child in children])
"""
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        pytest.skip("the system does not list the children of a process")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert done.stdout == "[True]\n", done.stderr


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_damaged_files_are_refused_or_read(share, tmp_path):
    path = tmp_path / "sphere.hdf5"
    heorot.save(path, plummer(), compression=3)
    whole = path.read_bytes()
    rng = np.random.default_rng(int(100 * share))
    cut = tmp_path / "cut.hdf5"
    cut.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match="cut.hdf5"):
        heorot.load(cut)
    torn = np.frombuffer(whole, dtype=np.uint8).copy()
    places = rng.integers(0, len(torn), 60)
    torn[places] = rng.integers(0, 256, 60)
    (tmp_path / "torn.hdf5").write_bytes(torn.tobytes())
    try:
        assert len(heorot.load(tmp_path / "torn.hdf5")) <= 300
    except ValueError as fault:
        assert "torn.hdf5" in str(fault)


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


def test_a_simulation_keeps_nothing_of_the_arrays_of_the_caller():
    bodies = plummer()
    sim, other = (heorot.Simulation(bodies, softening=0.05, step=0.01) for _ in range(2))
    bodies.pos[:], bodies.vel[:], bodies.mass[:] = np.nan, np.nan, -1
    state = sim.step()
    state.bodies.pos[:] = np.nan
    other.step()
    same(sim.step().bodies, other.step().bodies)


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
    import json
    import re

    bodies = heorot.Bodies(*cloud(100), type=np.where(np.arange(100) < 3, 4, 1))
    sim = heorot.Simulation(bodies, softening=0.1, step=0.1)
    page = heorot.view(list(sim.run(until=0.4, every=0.2)), most=10)
    paths = json.loads(re.search('id="description">(.*)</script>', page.html)[1])["paths"]
    assert sorted(path["id"] for path in paths) == [0, 1, 2] and all(len(path["places"]) == 2 for path in paths)


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
