"""Light cones of runs: every image of a body crosses once and at its distance; files have the same bits on any
ranks and threads, and after the run was killed or stopped and continued on other ranks.
"""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
from harness import MPIRUN, PROGRAM, check, end_session, heorot, require, scratch, session

PER_SIDE = 12
SIDE = 1000.0  # Mpc
OMEGA_M, H = 0.31, 0.68
REACH = 0.5  # greatest redshift
NSIDE = 8
PARAMETERS = """\
[initial]
model = "cosmology"
per_side = {per_side}
seed = 3
sigma8 = 0.8
omega_b = 0.049
lpt = 1
[cosmology]
omega_m = {omega_m}
omega_lambda = {omega_lambda}
h = {h}
start_redshift = 0.8
[units]
length_in_cm = 3.085677581491367e24
mass_in_g = 1.988409870698051e43
velocity_in_cm_per_s = 1e5
[box]
side = {side}
[gravity]
accuracy = 3e-3
softening = 2.0
[time]
end_redshift = 0
step = 0.06
{time}
[output]
folder = "{folder}"
[output.lightcone]
redshift_max = {reach}
observer = [700, 20, 480]
shells = 3
nside = {nside}
{keys}
[batch]
checkpoint_steps = 1
"""
BLOCK = 'timestep = "block"\neta = 2e-5\nsmallest_step = 0.004'


class Run:
    def __init__(self, name, time="", keys=""):
        self.place = scratch(name)
        self.folder = self.place / "out"
        self.file = self.place / "run.toml"
        numbers = {"per_side": PER_SIDE, "omega_m": OMEGA_M, "omega_lambda": 1 - OMEGA_M, "h": H}
        numbers |= {"side": SIDE, "reach": REACH, "nside": NSIDE}
        self.file.write_text(PARAMETERS.format(**numbers, time=time, keys=keys, folder=self.folder))

    def __call__(self, *options, ranks=None, threads=1):
        return heorot("run", self.file, "--threads", threads, *options, ranks=ranks)

    def start(self, ranks):
        """Starts or continues the run, without waiting for it."""
        line = [MPIRUN, "-n", ranks, PROGRAM, "run", self.file, "--threads", 1, "--restart=auto"]
        log = open(self.place / "log", "ab")
        words = [str(word) for word in line]
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def files(self):
        return sorted(path.name for path in self.folder.glob("lightcone_*"))

    def result(self):
        """All datasets and attributes of all files, but for the parameters that differ between the runs of this suite."""
        content = {}
        for name in self.files():
            with h5py.File(self.folder / name) as file:
                file.visititems(lambda path, node: content.update(numbers(f"{name}/{path}", node)))
        return content


def numbers(path, node):
    own = ["heorot.output.folder", "heorot.batch.restart"]
    found = {f"{path}@{name}": np.atleast_1d(value) for name, value in node.attrs.items() if name not in own}
    if isinstance(node, h5py.Dataset):
        found[path] = node[:]
    return found


def require_same(expected, found):
    require(expected.keys() == found.keys(), f"other content: {sorted(expected.keys() ^ found.keys())[:9]}")
    for name, values in expected.items():
        other = found[name]
        same = values.dtype == other.dtype and values.shape == other.shape and values.tobytes() == other.tobytes()
        require(same, f"{name} differs")


def crossings(folder):
    """Positions [Mpc], redshifts and ids of each shell, and its range of redshifts."""
    shells = []
    for path in sorted(folder.glob("lightcone_0*.hdf5")):
        with h5py.File(path) as file:
            group, attributes = file["PartType1"], dict(file["Parameters"].attrs)
            hubble = file["Header"].attrs["HubbleParam"]  # lengths have units that include 1/h
            limits = [float(attributes[f"heorot.lightcone.redshift_{end}"].decode()) for end in ("min", "max")]
            shells.append((group["Coordinates"][:] / hubble, group["Redshift"][:], group["ParticleIDs"][:], limits))
    return shells


def distances(redshifts):
    """Comoving distance of the light cone [Mpc], by Simpson's rule."""
    fine = np.linspace(0, redshifts.max() * 1.01 + 1e-9, 20001)
    rate = 1 / np.sqrt(OMEGA_M * (1 + fine) ** 3 + 1 - OMEGA_M)
    steps = np.diff(fine)
    middle = 1 / np.sqrt(OMEGA_M * (1 + fine[:-1] + steps / 2) ** 3 + 1 - OMEGA_M)
    table = np.concatenate([[0], np.cumsum(steps / 6 * (rate[:-1] + 4 * middle + rate[1:]))])
    return 299792.458 / (100 * H) * np.interp(redshifts, fine, table)


def every_image_crosses_once(run):
    shells = crossings(run.folder)
    require(len(shells) == 3, f"{len(shells)} shells: {run.files()}")
    far = distances(np.array([REACH]))[0]
    place, redshift, ids = (np.concatenate([shell[k] for shell in shells]) for k in range(3))
    radius = np.linalg.norm(place, axis=1)
    error = np.abs(radius - distances(redshift)).max()
    require(error < 1e-4 * far, f"a crossing is {error} Mpc from its distance")
    # Uniform but for fluctuations at the edge.
    expected = PER_SIDE**3 * 4 / 3 * np.pi * (far / SIDE) ** 3
    require(abs(len(ids) / expected - 1) < 0.01, f"{len(ids)} crossings instead of {expected:.0f}")
    require(len(np.unique(ids)) == PER_SIDE**3, "a body never crosses")
    order = np.argsort(ids, kind="stable")
    for images in np.split(place[order], np.flatnonzero(np.diff(ids[order])) + 1):
        apart = np.linalg.norm(images[:, None] - images[None], axis=2) + SIDE * np.eye(len(images))
        require(apart.min() > 0.8 * SIDE, f"two images of a body cross {apart.min()} Mpc apart")
    for k, (_, redshift, _, (low, high)) in enumerate(shells):
        require(((redshift > low) | (low == 0)).all() and (redshift <= high).all(), f"shell {k} has others")
    edges = [limit for *_, limits in shells for limit in limits]
    require(edges[1] == REACH and edges[-2] == 0 and edges[0] == edges[3], f"edges {edges}")


def maps_are_those_of_the_bodies(run):
    try:
        import healpy
    except ImportError:
        healpy = None
    for k, (place, _, _, _) in enumerate(crossings(run.folder)):
        with h5py.File(run.folder / f"lightcone_map_{k:03}.hdf5") as file:
            count, mass, header = file["Map/Count"][:], file["Map/Mass"][:], dict(file["Header"].attrs)
            density = file["Map/SurfaceDensity"][:]
        require(len(count) == 12 * NSIDE**2 and count.sum() == len(place), f"shell {k}: {count.sum()} bodies")
        require(np.ptp(mass[count > 0] / count[count > 0]) < 1e-6 * mass.max(), f"shell {k}: other masses")
        # The observed mass is that of a uniform universe but for fluctuations.
        require(abs(mass.mean() / header["MeanMass"] - 1) < 0.05, f"shell {k}: mean {mass.mean()} {header['MeanMass']}")
        radius = (header["DistanceMin"] + header["DistanceMax"]) / 2
        require(np.allclose(density * header["PixelSolidAngle"] * radius**2, mass), f"shell {k}: surface density")
        if healpy is not None:
            pixel = healpy.vec2pix(NSIDE, *place.T)
            require((np.bincount(pixel, minlength=len(count)) == count).all(), f"shell {k}: other pixels than healpy")
    require(healpy is not None, "healpy is missing: scripts/setup installs it")


def same_on(run, expected, ranks, threads, time):
    other = Run(f"{run.place.name}-{ranks}x{threads}", time)
    other(ranks=ranks, threads=threads).require_success()
    require_same(expected, other.result())


def killed(name, expected, time_keys):
    random.seed(7)
    run, deaths = Run(name, time_keys), 0
    for ranks in [2, 3, 1, 4, 2]:
        process = run.start(ranks)
        seen = set(run.folder.glob("checkpoint_*.heorot")) if run.folder.exists() else set()
        end = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < end:
            if run.folder.exists() and set(run.folder.glob("checkpoint_*.heorot")) - seen:
                time.sleep(random.uniform(0, 0.2))
                break
            time.sleep(0.001)
        deaths += process.poll() is None
        end_session(process)
    require(deaths >= 2, f"only {deaths} runs were killed before their end")
    run("--restart=auto", ranks=3, threads=2).require_success()
    require_same(expected, run.result())
    left = [path.name for path in run.folder.glob("*.part")]
    beside = {path.name[10:18] for path in run.folder.glob("crossings_*")}
    kept = {path.name[11:19] for path in run.folder.glob("checkpoint_*.heorot")}
    require(not left and beside == kept, f"left: {left}, crossings of steps {beside}, checkpoints of {kept}")


def stopped_within_a_step(expected):
    """A block step of several parts, stopped by a signal after each of them."""
    run, stops = Run("stopped", BLOCK), 0
    for ranks in [2, 1, 3, 2, 4, 1, 2, 3] * 3:
        process = run.start(ranks)
        time.sleep(1.0 + 0.1 * (stops % 5))
        for pid in list(session(process.pid)):
            try:
                if Path(f"/proc/{pid}/comm").read_text().startswith("heorot"):
                    os.kill(pid, signal.SIGTERM)
            except OSError:
                pass
        process.wait()
        end_session(process)
        if process.returncode != 75:
            break
        stops += 1
    within = (run.place / "log").read_text().count("stopped within step")
    require(stops >= 2 and within >= 1, f"the run was stopped {stops} times, {within} times within a step")
    run("--restart=auto", ranks=2).require_success()
    require_same(expected, run.result())


def a_damaged_file_of_crossings_passes_its_checkpoint_over(expected):
    run = Run("damaged")
    process = run.start(2)
    end = time.monotonic() + 60
    while len(list(run.folder.glob("checkpoint_*.heorot")) if run.folder.exists() else []) < 2:
        require(process.poll() is None and time.monotonic() < end, "no two checkpoints")
        time.sleep(0.002)
    end_session(process)
    step = max(run.folder.glob("checkpoint_*.heorot")).stem[-8:]
    last = max(run.folder.glob(f"crossings_{step}_*"))
    last.write_bytes(last.read_bytes()[:-9])
    outcome = run("--restart=auto", ranks=3).require_success()
    require(last.name in outcome.stderr and "this checkpoint is skipped" in outcome.stderr, outcome.stderr)
    require_same(expected, run.result())


def another_cone_is_refused(run):
    outcome = run("--restart", "--set", "output.lightcone.shells=4")
    require(outcome.codes == [1], f"exit code {outcome.codes}")
    require("output.lightcone.shells = 4: the checkpoint was written with 3" in outcome.stderr, outcome.stderr)


def part_of_the_sky(run):
    keys = 'direction = [1, 1, 0]\nopening_angle = 30\nbodies = true'
    part = Run("part", keys=keys)
    part().require_success()
    for whole, cut in zip(crossings(run.folder), crossings(part.folder)):
        place = whole[0]
        cosine = (place[:, 0] + place[:, 1]) / np.sqrt(2) / np.linalg.norm(place, axis=1)
        inside = cosine >= np.cos(np.pi / 6)
        require(sorted(zip(whole[2][inside], whole[1][inside])) == sorted(zip(cut[2], cut[1])), "other bodies")
    maps = Run("maps", keys="bodies = false")
    maps().require_success()
    require(maps.files() == [f"lightcone_map_{k:03}.hdf5" for k in range(3)], f"{maps.files()}")
    mine, all = maps.result(), run.result()
    require_same({name: all[name] for name in all if "_map_" in name}, mine)


def bad_keys():
    run = Run("bad")
    for keys, words in [
        ("redshift_max=2", "at most that of the initial state, 0.8"),
        ("redshift_min=0.5", "redshift_min = 0.5: must be at least 0 and below redshift_max"),
        ("shells=0", "shells = 0: must be from 1 to 1000"),
        ("nside=12", "nside = 12: must be a power of two"),
        ("observer=[0,0,1000]", "must be inside the box"),
        ("opening_angle=10", "give both `direction` and `opening_angle`"),
        ("shell=3", "shell"),
    ]:
        outcome = run("--set", f"output.lightcone.{keys}", ranks=2)
        lines = outcome.stderr.strip().splitlines()
        require(outcome.codes == [1, 1] and len(lines) == 1 and words in lines[0], f"{keys}: {outcome.codes} {outcome.stderr}")
        require(not run.files(), f"{keys}: {run.files()} were written")


fixed, block = Run("fixed"), Run("block", BLOCK)
check("a run records its light cone", lambda: fixed().require_success())
check("every image crosses once, at its distance", every_image_crosses_once, fixed)
check("maps hold the bodies of their shells", maps_are_those_of_the_bodies, fixed)
check("block steps: a run records its light cone", lambda: block().require_success())
check("block steps: every image crosses once, at its distance", every_image_crosses_once, block)
for run, keys in [(fixed, ""), (block, BLOCK)]:
    expected = run.result()
    for ranks, threads in [(1, 2), (2, 1), (3, 2), (4, 1), (8, 1)] if run is fixed else [(1, 2), (3, 1), (8, 1)]:
        check(f"{run.place.name}: {ranks} ranks with {threads} threads", same_on, run, expected, ranks, threads, keys)
    check(f"{run.place.name}: killed and continued", killed, f"killed-{run.place.name}", expected, keys)
check("stopped within steps and continued", stopped_within_a_step, block.result())
check("damaged crossings", a_damaged_file_of_crossings_passes_its_checkpoint_over, fixed.result())
check("another light cone is refused", another_cone_is_refused, fixed)
check("a part of the sky, and maps alone", part_of_the_sky, fixed)
check("bad keys are one clear line", bad_keys)
