"""Spheres stay in equilibrium: mass and velocity dispersion by radius at the start and after 20
dynamical times, compared with theory."""

from math import sqrt

import numpy as np

import theory
from page import Verdict, table
from plot import Plot
from snapshots import Bodies, Run

SHARES = [0.1, 0.25, 0.5, 0.75, 0.9]
# Name, keys of the model, theory, softening. Models with `softening` are in equilibrium in the
# field of their softened bodies.
MODELS = {
    "plummer": ("cut = 50.0", lambda: theory.sphere("plummer", 50.0), 0.02),
    "hernquist": ("cut = 300.0", lambda: theory.sphere("hernquist", 300.0), 0.01),
    "jaffe": ("cut = 30.0, softening = 0.01", lambda: theory.sphere("jaffe", 30.0, 0.01), 0.01),
    "isochrone": ("cut = 30.0", lambda: theory.sphere("isochrone", 30.0), 0.02),
    "nfw": ("cut = 10.0, softening = 0.02", lambda: theory.sphere("nfw", 10.0, 0.02), 0.02),
    "king": ("w0 = 6.0", lambda: theory.king(6.0), 0.02),
}
# The acceleration criterion misses that the acceleration reverses as a body passes a cusp, and that
# it vanishes in the core of a softened one. These models therefore need smaller steps.
ETA = {"jaffe": 0.005, "nfw": 0.01}
# One of a thousand samples of N independent bodies has a Kolmogorov-Smirnov statistic times sqrt(N)
# above this (Massey 1951).
GREATEST_KS = 1.95


def spheres(job):
    bodies, times = job.some((50_000, 20), (2_000, 5))
    rows, lagrange = [], Plot("Lagrange radii over their radii in theory", "time [dynamical times]", "radius / theory", linear="x")
    for style, (name, (keys, model, softening)) in enumerate(job.few(MODELS.items())):
        truth = model()
        unit = float(truth.dynamical_time())
        eta = ETA.get(name, 0.025)
        # Two-body encounters do not matter for so many bodies. With few, the rate criterion is
        # needed.
        criterion = job.some(f', criterion = "acceleration", eta = {eta}', "")
        run = Run(
            job.folder / name,
            f"""initial = {{ model = "{name}", bodies = {bodies}, seed = 1, {keys} }}
units = {{ system = "nbody" }}
gravity = {{ softening = {softening} }}
time = {{ end = {times * unit!r}, step = {unit / 40!r}, timestep = "block"{criterion} }}
output = {{ folder = "@", snapshot_every = {unit!r} }}
""",
        )
        energy, paths = run.energy(), run.snapshots()
        states = [compare(Bodies(path).centred(), truth) for path in paths]
        spread = lagrange_noise(truth, bodies)
        radii = np.array([state["lagrange"] for state in states])
        flat = np.abs(radii / radii[0] - 1) / (sqrt(2) * spread)
        half = [(path_time / unit, value) for path_time, value in zip((Bodies(p).time for p in paths), radii[:, 2])]
        lagrange.series(name, [(time, value / truth.radius_of(0.5)) for time, value in half], style)
        first, last = states[0], states[-1]
        virial = energy["virial_ratio"]
        row = {
            "model": name, "softening": softening, "eta": eta,
            "KS sqrt(N), start": first["ks"], "KS sqrt(N), end": last["ks"],
            "dispersion chi^2, start": first["chi2"], "dispersion chi^2, end": last["chi2"],
            "virial ratio, start": virial[0], "virial ratio, farthest from 1": virial[np.argmax(np.abs(virial - 1))],
            "half-mass radius, greatest change [%]": 100 * np.abs(radii[:, 2] / radii[0, 2] - 1).max(),
            "Lagrange radii, greatest change [sigma]": flat.max(),
            "energy error": np.abs(energy["energy_error"]).max(),
            "seconds": run.seconds(),
        }
        rows.append(row)
    noise = 6 / sqrt(bodies)
    verdicts = [
        Verdict("mass within radius at the start, KS sqrt(N)", max(r["KS sqrt(N), start"] for r in rows), GREATEST_KS),
        Verdict("mass within radius at the end, KS sqrt(N)", max(r["KS sqrt(N), end"] for r in rows), GREATEST_KS),
        Verdict("dispersion at the start, chi^2 of a bin", max(r["dispersion chi^2, start"] for r in rows), 2.0),
        Verdict("dispersion at the end, chi^2 of a bin", max(r["dispersion chi^2, end"] for r in rows), 2.0),
        Verdict("virial ratio, greatest deviation from 1", max(abs(r["virial ratio, farthest from 1"] - 1) for r in rows), noise),
        Verdict("Lagrange radii, greatest change in units of their noise", max(r["Lagrange radii, greatest change [sigma]"] for r in rows), 4.5),
        Verdict("energy error", max(r["energy error"] for r in rows), job.some(1e-3, 5e-3)),
    ]
    text = f"""Each sphere of {bodies:,} bodies runs for {times} dynamical times of its half-mass radius, with block
steps by the acceleration criterion. `KS` compares the mass within each radius with theory. One of a
thousand samples of independent bodies exceeds {GREATEST_KS}. The dispersion of one velocity component is
compared in 20 shells of equal mass with the solution of the Jeans equation, in units of its noise.
The Lagrange radii are those of 10, 25, 50, 75 and 90 % of the mass. The noise of a Lagrange radius
r is sqrt(p (1 - p) / N) / (dM/dr).

{table(rows)}"""
    return text, {"validation-spheres": lagrange}, verdicts


def compare(bodies, truth):
    """Deviation of bodies from theory."""
    radius = np.sort(bodies.radius())
    count = len(radius)
    within = truth.within(radius)
    steps = np.arange(count + 1) / count
    ks = max(np.abs(within - steps[1:]).max(), np.abs(within - steps[:-1]).max()) * sqrt(count)
    order = np.argsort(bodies.radius())
    square = (bodies.velocity[order] ** 2).sum(axis=1) / 3
    expected = truth.dispersion_at(radius) ** 2
    chi2 = []
    for shell in np.array_split(np.arange(count), 20):
        shell = shell[expected[shell] > 0]  # the others are outside a sphere with a finite radius
        ratio = square[shell] / expected[shell]
        chi2.append((ratio.mean() - 1) ** 2 / (ratio.var() / len(shell)))
    return {"ks": ks, "chi2": float(np.mean(chi2)), "lagrange": [np.quantile(radius, share) for share in SHARES]}


def lagrange_noise(truth, count):
    """Relative noise of the Lagrange radii of independent bodies."""
    places = np.array([truth.radius_of(share) for share in SHARES])
    slope = 4 * np.pi * places**2 * np.interp(places, truth.radius, truth.density)
    return np.array([sqrt(p * (1 - p) / count) for p in SHARES]) / slope / places
