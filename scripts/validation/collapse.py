"""Cold collapse of a ball, the hardest case for a code with a fixed step."""

from math import pi, sqrt

import numpy as np

from page import Verdict, table
from plot import Plot
from snapshots import Run


FALL = pi / sqrt(8)  # ball of mass 1 and radius 1 at rest (Binney & Tremaine 2008, equation 2.37)


def collapse(job):
    rows, verdicts, plot = [], [], Plot("Cold collapse", "time [free-fall times]", "energy error", linear="x")
    cases = {
        "default": (job.some(20_000, 2_000), f"softening = {job.some(0.01, 0.03)}"),
        "more bodies": (50_000, 'softening = { kernel = "plummer", length = 0.01 }, accuracy = 3e-4'),
    }
    for style, (name, (bodies, gravity)) in enumerate(list(cases.items())[: job.some(2, 1)]):
        run = Run(
            job.folder / f"collapse-{name.replace(' ', '-')}",
            f"""initial = {{ model = "uniform", shape = "ball", side = 2.0, bodies = {bodies}, seed = 1 }}
units = {{ system = "nbody" }}
gravity = {{ {gravity} }}
time = {{ end = {2 * FALL!r}, step = {FALL / 64!r}, timestep = "block" }}
output = {{ folder = "@" }}
""",
        )
        energy = run.energy()
        time, error = energy["time"], np.abs(energy["energy_error"])
        deepest = np.argmin(energy["potential"])
        rows.append({
            "bodies": bodies,
            "gravity": f"`{gravity}`",
            "greatest density at [free-fall times]": time[deepest] / FALL,
            "potential there / at the start": energy["potential"][deepest] / energy["potential"][0],
            "energy error there": error[deepest],
            "greatest": error.max(),
            "at the end": error[-1],
            "steps a body": run.report["time_steps"]["steps_per_body"],
            "substeps": run.report["time_steps"]["substeps"],
            "seconds": run.seconds(),
        })
        plot.series(name, [(t / FALL, e) for t, e in zip(time, error) if e > 0], style)
        verdicts += [
            Verdict(f"{name}: energy error, greatest", error.max(), 5e-3),
            Verdict(f"{name}: time of greatest density, deviation from free fall", abs(time[deepest] / FALL - 1), 0.05),
        ]
    text = f"""A uniform ball at rest, with the default settings of block steps. In the limit of many bodies it
reaches its greatest density after one free-fall time. Its smallest size is set by the noise of its
bodies (Aarseth, Lin & Papaloizou 1988, ApJ 324, 288). At that time the ball lies within the support
of the spline. The potential is then twenty times that of the start, so a force error of 1e-3 is an
energy error of half a percent; hence the smaller error with Plummer softening.

{table(rows)}"""
    return text, {"validation-collapse": plot}, verdicts
