"""Boxes of a universe to z = 0: against a run with finer steps and forces, against EuclidEmulator2 and against the mass
function of Tinker et al. (2008). Theory comes from scripts/validation/nonlinear.csv and from this file, not from the
program."""

import csv
from pathlib import Path

import h5py
import numpy as np

from background import H, OMEGA_M, universe
from page import Verdict, table
from plot import Plot
from snapshots import Run, heorot

SPACING = 2.0  # mean distance of bodies [Mpc/h]
CRITICAL = 2.775366e11  # critical density today [h^2 Msun / Mpc^3]
BODY = CRITICAL * OMEGA_M * SPACING**3  # mass of a body [Msun/h]
STEP, ETA, DISPLACEMENT, ACCURACY = 0.0625, 0.025, 0.25, 1e-3  # the last three are the defaults
FINE = {"step": 2, "eta": 4, "max_displacement": 2, "accuracy": 5}  # divisors; the steps go as the root of eta


def reference():
    """Wave number [h/Mpc], and at z = 0 the power of linear theory (CAMB), of EuclidEmulator2 and of HMcode
    [(Mpc/h)^3]."""
    return np.loadtxt(Path(__file__).parent / "nonlinear.csv", delimiter=",").T


def write_spectrum(file):
    """A table of the linear power for the initial conditions."""
    k, linear, _, _ = reference()
    np.savetxt(file, np.column_stack([k, linear]))


def parameters(file, per_side, step, fine, opposite, spacing=SPACING):
    """A parameter file, with the table of a power spectrum. `fine` divides the steps by two and the force error by
    five."""
    side = spacing * per_side
    over = FINE if fine else dict.fromkeys(FINE, 1)
    spectrum = f'fixed_amplitude = true, spectrum = "{file}", spectrum_redshift = 0'
    text = universe(f"per_side = {per_side}, seed = 1, {spectrum}, opposite = {str(opposite).lower()}", side, 49)
    text = text.replace("start_redshift", f"max_displacement = {DISPLACEMENT / over['max_displacement']}, start_redshift")
    return f"""{text}gravity = {{ softening = {spacing / H / 38.5!r}, accuracy = {ACCURACY / over['accuracy']} }}
time = {{ end_redshift = 0, step = {step / over['step']}, timestep = "block", eta = {ETA / over['eta']} }}
output = {{ folder = "@", spectrum = {{ grid = {max(2 * per_side, 48)}, fold = [4] }} }}
"""


def spectrum(run):
    """Wave number [h/Mpc] and power [(Mpc/h)^3] at the end of a run. The shot noise is not subtracted: bodies
    begin on a lattice, and motions that conserve mass and momentum add noise to long waves only as k^4."""
    with open(sorted(run.folder.glob("spectrum_*.csv"))[-1]) as file:
        rows = list(csv.DictReader(file))
    column = lambda word: np.array([float(row[next(name for name in row if name.startswith(word))]) for row in rows])
    return column("k "), column("power ")


def sigma(mass):
    """The rms contrast of linear theory in spheres that hold these masses [Msun/h] on average."""
    k, linear, _, _ = reference()
    radius = np.cbrt(mass / (4 / 3 * np.pi * CRITICAL * OMEGA_M))
    x = np.multiply.outer(radius, k)
    # The series avoids differences of nearly equal numbers.
    window = np.where(x < 0.01, 1 - x**2 / 10, 3 * (np.sin(x) - x * np.cos(x)) / np.maximum(x, 1e-3) ** 3)
    return np.sqrt(np.trapezoid(k**3 * linear * window**2, np.log(k), axis=-1) / (2 * np.pi**2))


def tinker(mass):
    """Haloes per (Mpc/h)^3 and ln M at z = 0 by Tinker et al. (2008), equations 2 and 3 with table 2 for 200 times the
    mean density."""
    s, h = sigma(mass), 0.01
    slope = -(np.log(sigma(mass * np.exp(h))) - np.log(sigma(mass * np.exp(-h)))) / (2 * h)
    fit = 0.186 * ((s / 2.57) ** -1.47 + 1) * np.exp(-1.19 / s**2)
    return fit * CRITICAL * OMEGA_M / mass * slope


def expected(low, high, volume):
    """Number of haloes of these masses in a volume [(Mpc/h)^3]."""
    logs = np.linspace(np.log(low), np.log(high), 65)
    return volume * np.trapezoid(tinker(np.exp(logs)), logs)


def masses(run):
    """Masses within 200 times the mean density of the haloes at the end of a run [Msun/h]."""
    catalogue = run.folder / "haloes.hdf5"
    heorot("halos", run.snapshots()[-1], "-o", catalogue, "--overwrite", "--min-members", 50)
    with h5py.File(catalogue) as file:
        group = file["Group"]
        unit = BODY * group["GroupLen"][0] / group["GroupMass"][0]
        return group["Group_M_Mean200"][:] * unit


def mass_function(runs, volume, least):
    """Rows of the haloes of more than `least` bodies, in bins of a fifth of a decade, the last without an end."""
    found = np.concatenate([masses(run) for run in runs])
    volume, rows, low = volume * len(runs), [], least * BODY
    while True:
        high = low * 10**0.2
        is_last = expected(high, 1e16, volume) < 10
        if is_last:
            high = 1e16
        wanted, count = expected(low, high, volume), int(((found >= low) & (found < high)).sum())
        off = count - wanted
        rows.append(
            {
                "M200m from [Msun/h]": low,
                "haloes": count,
                "Tinker et al. (2008)": wanted,
                "ratio": count / wanted,
                "of the bound": min(abs(off) / (0.1 * wanted), abs(off) / (2 * np.sqrt(wanted))),
            }
        )
        if is_last:
            return rows
        low = high


def against_theory(pair, column):
    """Wave number, and P(k) of a pair of runs over that of a column of the reference - 1. Beyond the range of the reference
    it is not a number."""
    (k, power), (_, opposite) = map(spectrum, pair)
    columns = reference()
    expected_power = np.exp(np.interp(np.log(k), np.log(columns[0]), np.log(columns[column])))
    return k, 0.5 * (power + opposite) / expected_power - 1


def bands(k, deviation, low, high):
    """Mean deviations in bands of some 0.1 h/Mpc, and the edges of the bands. The number of modes of a bin of
    the spectrum goes as k^2."""
    edges = np.linspace(low, high, max(1, round((high - low) / 0.1)) + 1)
    inside = [(k > a) & (k < b) for a, b in zip(edges, edges[1:])]
    return [np.average(deviation[m], weights=k[m] ** 2) for m in inside], edges


def case(job, per_side, step, bounds, least, wide=(SPACING, 0.1, 0.5)):
    """Runs and compares. `bounds` are those of P(k) against the fine run up to half the Nyquist wave number and up to it,
    and against the emulator in each band. `wide` has the spacing of the pair that is compared with the emulator, and the
    range of k."""
    name = f"universe-{per_side}"
    linear = job.folder / "linear.txt"
    write_spectrum(linear)
    run = lambda kind, *of: Run(job.folder / f"{name}-{kind}", parameters(linear, per_side, step, *of))
    usual, paired, fine = run("usual", False, False), run("opposite", False, True), run("fine", True, False)
    pair, (spacing, low, high) = (usual, paired), wide
    if spacing != SPACING:
        pair = run("wide", False, False, spacing), run("wide-opposite", False, True, spacing)
    k, power = spectrum(usual)
    nyquist = np.pi / SPACING
    against_fine = power / spectrum(fine)[1] - 1
    half, whole = (np.abs(against_fine[k <= part * nyquist]).max() for part in (0.5, 1.0))
    theory_k, against_emulator = against_theory(pair, 2)
    _, against_hmcode = against_theory(pair, 3)
    of_emulator, edges = bands(theory_k, against_emulator, low, high)
    of_hmcode, _ = bands(theory_k, against_hmcode, low, high)
    compared = [
        {"k [h/Mpc]": f"{a:.2g} to {b:.2g}", "run / EuclidEmulator2 - 1": x, "run / HMcode - 1": y}
        for a, b, x, y in zip(edges, edges[1:], of_emulator, of_hmcode)
    ]
    layzer_irvine = np.abs(usual.energy()["layzer_irvine_error"]).max()
    side = SPACING * per_side
    haloes = mass_function([usual, paired], side**3, least)
    plot = Plot("P(k) at z = 0", "k [h/Mpc]", "ratio - 1", linear="y")
    shown = k <= nyquist
    plot.series("run / fine run", list(zip(k[shown], against_fine[shown])), 0)
    shown = theory_k <= np.pi / spacing
    plot.series("pair / EuclidEmulator2", list(zip(theory_k[shown], against_emulator[shown])), 1)
    seconds = [one.seconds() for one in (usual, paired, fine)]
    steps = usual.report["steps"] if "steps" in usual.report else len(usual.energy()["redshift"]) - 1
    text = f"""{per_side}³ bodies in {side:g} Mpc/h from z = 49 to 0, modes of fixed amplitude, {steps} full steps. The fine run has half
the steps (of ln a, of bodies and of the displacement) and a fifth of the force error, and the same phases. Initial
conditions have the linear power of CAMB. The mean of a pair of opposite phases in {spacing * per_side:g} Mpc/h is
compared with EuclidEmulator2, which was fitted to simulations, and with HMcode (`scripts/validation/nonlinear.py`). Nyquist's wave number is {nyquist:.2f} h/Mpc.
The runs took {seconds[0]:.0f}, {seconds[1]:.0f} and {seconds[2]:.0f} s; the box with 128³ bodies takes {(128 / per_side) ** 3:.3g} times as long.

Haloes of more than {least} bodies in both runs of the pair, and their number by the fit of Tinker et al. (2008):

{table(haloes)}

Power of the pair, in bands that have hundreds of modes and more:

{table(compared)}"""
    verdicts = [
        Verdict("P(k) against the fine run, up to half of Nyquist's wave number", half, bounds[0]),
        Verdict("P(k) against the fine run, up to Nyquist's wave number", whole, bounds[1]),
        Verdict(f"P(k) of the pair against EuclidEmulator2, {low} < k < {high} h/Mpc", np.abs(of_emulator).max(), bounds[2]),
        Verdict("mass function, of 10 % or two standard deviations", max(row["of the bound"] for row in haloes), job.some(1.0, 2.0)),
        Verdict("error of the Layzer-Irvine equation", layzer_irvine, job.some(5e-3, 2e-2)),
    ]
    return text, {f"validation-{name}": plot}, verdicts


def small_universe(job):
    """64^3 bodies in 128 Mpc/h, or a box for a test. A box of 128 Mpc/h lacks the waves that are longer, and with them some
    5 % of the power, so the emulator is compared with a pair of boxes of 256 Mpc/h."""
    if job.quick:
        # A box of 24 Mpc/h has few of the waves that make structure, so a wider one is compared with the emulator, in
        # modes that are nearly linear. A lattice of 12^3 bodies lets them grow 2 and 9 % too little. With fixed
        # amplitudes and a pair of phases they scatter less than that.
        return case(job, 12, 0.125, [0.05, 0.1, 0.12], 30, wide=(16.0, 0.03, 0.08))
    return case(job, 64, STEP, [2e-3, 5e-3, 0.03], 300, wide=(4.0, 0.1, 0.4))


def large_universe(job):
    """inputs/lcdm-128.toml."""
    return case(job, 128, STEP, [2e-3, 5e-3, 0.03], 300)
