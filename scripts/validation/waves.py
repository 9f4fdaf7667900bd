"""Waves of a periodic box: a plane wave against its exact motion, modes of initial conditions against the
spectrum that was asked for, and measured power spectra against sums over all bodies."""

import csv

import h5py
import numpy as np

from background import growth, hubble, universe
from snapshots import Bodies, Run, heorot


def lattice(per_side, side):
    """The places of bodies without displacements, in the order of their ids."""
    return (np.indices((per_side,) * 3).reshape(3, -1).T + 0.5) * side / per_side


def displacements(snapshot, per_side):
    """Comoving displacements from the lattice, which are less than half of the box, and peculiar velocities. Also the
    scale factor and the side of the box."""
    bodies = Bodies(snapshot)
    with h5py.File(snapshot) as file:
        side = float(file["Header"].attrs["BoxSize"])
    off = bodies.position - lattice(per_side, side)
    a = bodies.time
    return off - side * np.round(off / side), bodies.velocity * np.sqrt(a), a, side


def plane_wave(job, wave):
    """Rows of a wave with these wave numbers from z = 99 on, whose sheets cross at z = 0: its displacements and
    velocities over those of Zel'dovich (1970), which are exact before that, and the greatest errors of bodies."""
    per_side = job.some(64, 16)
    redshifts = job.some([49, 32, 20, 12, 8, 5, 3, 2, 1.2, 0.8], [49, 9])
    run = Run(
        job.folder / f"wave-{''.join(map(str, wave))}",
        universe(f"per_side = {per_side}, wave = {wave}, caustic_redshift = 0", 64, 99)
        + f"""gravity = {{ softening = {6.4 / per_side} }}
time = {{ end_redshift = {redshifts[-1]}, step = 0.05 }}
output = {{ folder = "@", redshifts = {redshifts[:-1]} }}
""",
    )
    rows = []
    for snapshot in run.snapshots()[1:]:
        off, velocity, a, side = displacements(snapshot, per_side)
        k = 2 * np.pi / side * np.array(wave)
        d, f = growth(a)
        shape = -np.outer(np.sin(lattice(per_side, side) @ k), k / (k @ k)) / growth(1.0)[0] * d
        speed = a * hubble(a) * f  # velocity over displacement [km/s/(Mpc/h)]
        greatest = np.abs(shape).max()
        rows.append(
            {
                "wave": str(wave),
                "z": 1 / a - 1,
                "displacement / exact - 1": (off * shape).sum() / (shape**2).sum() - 1,
                "velocity / exact - 1": (velocity * shape).sum() / (shape**2).sum() / speed - 1,
                "greatest error of a displacement": np.abs(off - shape).max() / greatest,
                "of a velocity": np.abs(velocity / speed - shape).max() / greatest,
            }
        )
    return rows


def initial_modes(job, reference):
    """Greatest deviation of a mode of the initial displacements from the amplitude of linear theory, below half of the Nyquist
    wave number. `reference` has wave numbers [h/Mpc] and the linear power at z = 0 [(Mpc/h)^3]."""
    per_side, table, out = job.some(64, 16), job.folder / "modes.txt", job.folder / "modes.hdf5"
    # A dense table leaves no choice to the interpolation.
    logs = np.linspace(*np.log(reference[0][[0, -1]]), 16 * len(reference[0]))
    dense = np.exp(logs), np.exp(np.interp(logs, *np.log(reference)))
    np.savetxt(table, np.column_stack(dense))
    file = job.folder / "modes.toml"
    of_table = f'lpt = 1, fixed_amplitude = true, spectrum = "{table}", spectrum_redshift = 0'
    file.write_text(universe(f"per_side = {per_side}, seed = 5, {of_table}", 256, 49))
    heorot("model", "--from", file, "-o", out, "--overwrite")
    off, _, a, side = displacements(out, per_side)
    modes = np.fft.fftn(off.T.reshape(3, *(per_side,) * 3), axes=(1, 2, 3)) / per_side**3
    numbers = np.fft.fftfreq(per_side, 1 / per_side)
    k = 2 * np.pi / side * np.array(np.meshgrid(numbers, numbers, numbers, indexing="ij"))
    power = np.abs((k * modes).sum(axis=0)) ** 2 * side**3  # the contrast is minus the divergence
    size = np.sqrt((k**2).sum(axis=0))
    below = (size > 0) & (size < 0.5 * np.pi * per_side / side)
    linear = np.exp(np.interp(np.log(size[below]), *np.log(dense)))
    return np.abs(power[below] / linear / (growth(a)[0] / growth(1.0)[0]) ** 2 - 1).max()


def exact_power(place, most):
    """The power of bodies of equal mass in a box of side 1, in shells of wave numbers about 0, 1, ... `most`, and the number
    of modes in each. It comes from sums over all bodies, without a grid."""
    numbers = np.arange(-most, most + 1)
    waves = [np.exp(-2j * np.pi * np.outer(numbers, axis)) for axis in place.T]
    power, count = np.zeros(most + 1), np.zeros(most + 1)
    for x in range(most, len(numbers)):
        weight = 1.0 if x == most else 2.0  # a mode and its conjugate have the same power
        for y in range(len(numbers)):
            shell = np.rint(np.sqrt(numbers[x] ** 2 + numbers[y] ** 2 + numbers**2)).astype(int)
            if shell.min() <= most:
                square = np.abs(waves[2] @ (waves[0][x] * waves[1][y]) / len(place)) ** 2
                power += weight * np.bincount(shell, square, 2 * most + 1)[: most + 1]
                count += weight * np.bincount(shell, minlength=2 * most + 1)[: most + 1]
    return power / count, count


def power_of_bodies(job, snapshot, place):
    """Rows of the power spectrum that `heorot spectrum` measures, in the box and in the box folded into 4 parts along each
    axis, and the same from exact sums."""
    grid, out, rows = job.some(64, 32), job.folder / "power.csv", []
    heorot("spectrum", snapshot, "-o", out, "--overwrite", "--box", 1.0, "--grid", grid, "--fold", 4)
    with open(out) as file:
        found = list(csv.DictReader(file))
    of = lambda row, word: float(next(value for name, value in row.items() if name.startswith(word)))
    unit = of(found[0], "k ") * 18 / (6 + 12 * np.sqrt(2))  # the first shell has the wave numbers 1 and root of 2
    for fold in [1, 4]:
        exact, count = exact_power(place * fold % 1.0, grid // 2 - 1)
        for row in (row for row in found if row["fold"] == str(fold)):
            shell = round(of(row, "k ") / unit / fold)
            assert of(row, "modes") == count[shell]
            power = of(row, "power ") / of(row, "shot noise") / len(place)  # the noise is volume over number
            off = power / exact[shell] - 1
            rows.append({"k side / 2π": shell * fold, "folded": fold, "modes": int(count[shell]), "power / exact - 1": off})
    return rows
