"""Periodic boxes: forces compared with Ewald's sum, and growth of structure compared with linear theory."""

import csv

import h5py
import numpy as np

from background import H, universe
from ewald import accelerations
from page import Verdict, table
from plot import Plot
from snapshots import Bodies, Run, heorot
from universe import reference
from waves import initial_modes, plane_wave, power_of_bodies

SINKS = 400


def drawn(per_side, seed=1):
    """Keys of initial conditions with a spectrum."""
    return f"per_side = {per_side}, seed = {seed}, sigma8 = 0.81, n_s = 0.9665, omega_b = 0.04897, fixed_amplitude = true"


def random_places(count):
    return np.random.default_rng(3).uniform(size=(count, 3))


def clustered(count):
    """Half of the bodies in 30 clumps of very different sizes, some across the faces of the box."""
    random = np.random.default_rng(4)
    centre, radius = random.uniform(size=(30, 3)), 10 ** random.uniform(-3, -1, size=30)
    clump = random.integers(0, 30, size=count)
    place = centre[clump] + radius[clump, None] * random.normal(size=(count, 3))
    return np.where(np.arange(count)[:, None] % 2 == 0, place % 1.0, random.uniform(size=(count, 3)))


def displaced(job, per_side, side):
    """A lattice with the displacements of z = 49 in a box of `side` Mpc/h, in a box of side 1."""
    file, out = job.folder / f"early-{side}.toml", job.folder / f"early-{side}-{per_side}.hdf5"
    file.write_text(universe(drawn(per_side), side, 49))
    heorot("model", "--from", file, "-o", out, "--overwrite")
    with h5py.File(out) as snapshot:
        return snapshot["PartType1/Coordinates"][:] / snapshot["Header"].attrs["BoxSize"]


def lattice(count):
    """A perfect lattice, on which there is no force."""
    return (np.indices((count,) * 3).reshape(3, -1).T + 0.5) / count


def forces_in_box(job, name, place, *options):
    """A snapshot with the forces on bodies of the total mass 1 in a box of side 1, and their masses."""
    file, out = job.folder / f"box-{name}.hdf5", job.folder / f"box-{name}-forces.hdf5"
    count = len(place)
    mass = np.full(count, 1.0 / count)
    with h5py.File(file, "w") as snapshot:
        header = snapshot.create_group("Header").attrs
        header["NumPart_ThisFile"] = header["NumPart_Total"] = [0, count, 0, 0, 0, 0]
        header["MassTable"], header["Time"], header["NumFilesPerSnapshot"] = np.zeros(6), 0.0, 1
        group = snapshot.create_group("PartType1")
        group["Coordinates"], group["Velocities"] = place, np.zeros((count, 3))
        group["Masses"], group["ParticleIDs"] = mass, np.arange(count)
    heorot("force", file, "--units", "nbody", "--box", 1.0, "-o", out, "--overwrite", *options)
    return Bodies(out), mass


def force_on_lattice(job, per_side):
    """The rms force on the bodies of a lattice, in units of 4 pi G density spacing."""
    options = ["--criterion", "absolute", "--order", 5, "--tolerance", 1e-6]
    found, _ = forces_in_box(job, "lattice", lattice(per_side), *options)
    return np.sqrt((found.acceleration**2).sum(axis=1).mean()) / (4 * np.pi / per_side)


def error_of_forces(job, name, place, sinks):
    """Exact forces on some bodies, and a row of errors in units of their rms force, with the default accuracy."""
    found, mass = forces_in_box(job, name, place, "--allow-missed")
    expected = accelerations(place, mass, sinks, 1.0)
    off, size = np.linalg.norm(found.acceleration[sinks] - expected, axis=1), np.linalg.norm(expected, axis=1)
    rms = np.sqrt((size**2).mean())
    return expected, {
        "bodies": f"{name}, {len(place)}",
        "rms force [GM/L²]": rms,
        "rms error / rms force": np.sqrt((off**2).mean()) / rms,
        "99 % below, in rms forces": np.percentile(off, 99) / rms,
        "rms of error / force": np.sqrt(((off / size) ** 2).mean()),
    }


SORTS = 16  # each of them places the cells of the tree at random


def errors_of_sorts(job, name, sinks, expected):
    """For each sort of a run in which no body moves, the errors of some bodies. They are relative to their forces, or
    to the median force if that is greater, as for the accuracy. And the rms of the mean error of all sorts."""
    run = Run(
        job.folder / f"sorts-{name}",
        f"""initial = {{ file = "{job.folder / f"box-{name}.hdf5"}" }}
units = {{ system = "nbody" }}
box = {{ side = 1.0 }}
gravity = {{ softening = 0.0, accuracy = 1e-3, allow_missed = true }}
time = {{ end = {SORTS - 1}e-12, step = 1e-12 }}
output = {{ folder = "@", snapshot_every = 1e-12, acceleration = true }}
""",
    )
    size = np.linalg.norm(expected, axis=1)
    divisor = np.maximum(size, np.median(size))
    assert len(run.snapshots()) == SORTS
    vectors = [(Bodies(path).acceleration[sinks] - expected) / divisor[:, None] for path in run.snapshots()]
    mean = np.sqrt((np.mean(vectors, axis=0) ** 2).sum(axis=1).mean())
    return np.array([np.linalg.norm(vector, axis=1) for vector in vectors]), mean


def correlation_with_faces(place, error, shift):
    """Between ranks of the errors and of the distances to the faces of the cells of level 1, if the box is shifted."""
    order = lambda values: np.argsort(np.argsort(values))
    place = place + shift
    return np.corrcoef(order(error), order(np.abs(2 * place - np.round(2 * place)).min(axis=1)))[0, 1]


def alignment(job, name, place, sinks, expected):
    """A row about errors and the cells of the tree, which lie elsewhere relative to the bodies in each sort."""
    errors, of_mean = errors_of_sorts(job, name, sinks, expected)
    rms = np.sqrt((errors**2).mean(axis=1))
    each = np.sqrt((errors**2).mean(axis=0))
    shifts = np.random.default_rng(6).uniform(size=(100, 3))
    others = np.array([correlation_with_faces(place[sinks], each, shift) for shift in shifts])
    found = correlation_with_faces(place[sinks], each, np.zeros(3))
    return {
        "bodies": f"{name}, {len(place)}",
        "rms error, mean of sorts": rms.mean(),
        "standard deviation": rms.std() / rms.mean(),
        "greatest change": np.abs(rms / rms.mean() - 1).max(),
        "error of the mean force / error": of_mean / np.sqrt((rms**2).mean()),
        "correlation with faces": found,
        "in deviations of random faces": abs(found - others.mean()) / others.std(),
    }


def growth(job):
    """P(k) over that of linear theory at some redshifts, by wave number; and the energy error."""
    run = Run(
        job.folder / "linear-growth",
        universe(drawn(job.some(64, 16), seed=2), 512, 49)
        + f"""gravity = {{ softening = {0.05 * 512 / H / job.some(64, 16)!r} }}
time = {{ end_redshift = {job.some(4, 24)}, step = {job.some(0.0625, 0.125)} }}
output = {{ folder = "@", redshifts = {job.some([24, 9], [30])}, spectrum = {{ grid = {job.some(128, 32)} }} }}
""",
    )
    ratios = {}
    for path in sorted(run.folder.glob("spectrum_*.csv")):
        with open(path) as file:
            rows = list(csv.DictReader(file))
        column = lambda word: next(name for name in rows[0] if name.startswith(word))
        k, power, linear = (np.array([float(row[column(word)]) for row in rows]) for word in ("k ", "power ", "linear "))
        ratios[float(rows[0][column("redshift")])] = (k, power / linear)
    return ratios, run.energy()


def cosmology(job):
    many = job.some(32**3, 10**3)
    cases = {"random": random_places(many), "clustered": clustered(many)}
    for side in [100, 1000]:
        cases[f"z = 49 in {side} Mpc/h"] = displaced(job, job.some(64, 12), side)
    rows, aligned = [], []
    for name, place in cases.items():
        name = name.replace(" ", "").replace("/", "")
        sinks = np.sort(np.random.default_rng(5).choice(len(place), SINKS, replace=False))
        expected, row = error_of_forces(job, name, place, sinks)
        rows.append(row)
        aligned.append(alignment(job, name, place, sinks, expected))
    on_lattice, per_side = force_on_lattice(job, job.some(128, 16)), job.some(128, 16)
    waves = [row for wave in ([1, 0, 0], [0, 1, 0], [0, 0, 1]) for row in plane_wave(job, wave)]
    # Near the caustic, the greatest errors are those of bodies that nearly meet.
    of_waves = max(abs(row[part]) for row in waves for part in row if part.endswith("exact - 1"))
    modes = initial_modes(job, reference()[:2])
    powers = power_of_bodies(job, job.folder / "box-clustered.hdf5", cases["clustered"])
    of_powers = max(abs(row["power / exact - 1"]) for row in powers)
    ratios, energy = growth(job)
    first = max(ratios)
    longest = job.some(4, 2)  # of the bins; shorter waves of a coarse lattice grow more slowly
    plot = Plot("Growth of structure", "k [h/Mpc]", "P(k) / linear P(k)", linear="y")
    linear_rows, worst = [], 0.0
    for style, (redshift, (k, ratio)) in enumerate(sorted(ratios.items(), reverse=True)):
        plot.series(f"z = {redshift:.3g}", list(zip(k, ratio)), style)
        # Relative to the start, the modes of the lattice and of the estimator drop out.
        grown = ratio[:longest] / ratios[first][1][:longest]
        worst = max(worst, np.abs(grown - 1).max())
        linear_rows.append({"z": redshift, **{f"k = {x:.2g} h/Mpc": r for x, r in zip(k[:longest], grown)}})
    layzer_irvine = np.abs(energy["layzer_irvine_error"]).max()
    text = f"""Forces of periodic boxes at the default accuracy of 1e-3, against Ewald's sum in numpy
(`scripts/validation/ewald.py`) at {SINKS} bodies. Near a uniform lattice the force is the small rest of
large ones that cancel, so this is the hardest case.

{table(rows)}

In a run, the box lies elsewhere against the cells of the tree in each sort. Errors of {SORTS} sorts of the same bodies,
relative to the force of each body or to the median force:

{table(aligned)}

If errors of sorts are independent, that of their mean is {1 / SORTS**0.5:.2f} of that of one. The correlation is between ranks
of errors and of distances to the faces of the box and of its octants. Where bodies are clustered, few places differ, so
it is compared with correlations for faces at random places. The net force is mostly the error of the few bodies
with the greatest forces, and is taken out of all in proportion to their forces.

On a perfect lattice of {per_side}³ bodies there is no force. The rms force with criterion absolute and order 5
is {on_lattice:.1e} of 4πGρ times the spacing.

A plane wave from z = 99 on, whose sheets cross at z = 0, in a box with {job.some(64, 16)}³ bodies. Until then the motion of Zel'dovich
(1970) is exact for a continuous sheet; displacements and velocities are projected on it. The lattice lets the wave grow
at another rate, by a part that falls as the square of the spacing: 32³ bodies are 2e-3 off at z = 1.2. Wave numbers are
in units of 2π/side.

{table(waves[: len(waves) // 3])}

Modes of fixed amplitude of initial conditions (Zel'dovich, z = 49, {job.some(64, 16)}³ bodies in 256 Mpc/h) are within {modes:.1e} of the
amplitude of linear theory, up to half of the Nyquist wave number.

Power of the clustered bodies above as `heorot spectrum` measures it, and as sums over all bodies for each mode give it:

{table(powers[:: max(1, len(powers) // 8)])}

A box of 512 Mpc/h from z = 49 on. The longest waves grow as linear theory says: P(k) over that of linear
theory, relative to the start.

{table(linear_rows)}"""
    verdicts = [
        *(Verdict(f"{row['bodies']}: rms error / rms force", row["rms error / rms force"], 1e-3) for row in rows),
        *(Verdict(f"{row['bodies']}: error of 99 %", row["99 % below, in rms forces"], job.some(3e-3, 5e-3)) for row in rows),
        *(Verdict(f"{row['bodies']}: change of the error by a sort", row["greatest change"], job.some(0.2, 0.5)) for row in aligned),
        *(
            Verdict(f"{row['bodies']}: error of the mean force of {SORTS} sorts", row["error of the mean force / error"], 0.5)
            for row in aligned
        ),
        *(
            Verdict(f"{row['bodies']}: correlation with faces, in standard deviations", row["in deviations of random faces"], 3.0)
            for row in aligned
        ),
        Verdict("rms force on a lattice, of 4πGρ times the spacing", on_lattice, 1e-4),
        Verdict("plane waves along three directions, displacement and velocity", of_waves, job.some(1e-3, 2e-2)),
        Verdict("modes of initial conditions, of the power of linear theory", modes, 1e-3),
        Verdict("power spectrum against sums over all bodies", of_powers, 1e-3),
        Verdict("growth of the longest waves, deviation from linear theory", worst, job.some(0.01, 0.03)),
        Verdict("error of the Layzer-Irvine equation", layzer_irvine, 5e-3),
    ]
    return text, {"validation-growth": plot}, verdicts
