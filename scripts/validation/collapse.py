"""A ball that falls in on itself from rest: the hardest minute of a code with a fixed step."""

from math import pi, sqrt

import numpy as np

from page import Verdict, table
from plot import Plot
from snapshots import Run


def collapse(job):
    bodies = job.some(50_000, 2_000)
    softening = job.some(0.01, 0.03)
    fall = pi / sqrt(8)  # of a ball of mass 1 and radius 1 at rest (Binney & Tremaine 2008, equation 2.37)
    run = Run(
        job.folder / "collapse",
        f"""initial = {{ model = "uniform", shape = "ball", side = 2.0, bodies = {bodies}, seed = 1 }}
units = {{ system = "nbody" }}
gravity = {{ softening = {{ kernel = "plummer", length = {softening} }} }}
time = {{ end = {2.5 * fall!r}, step = {fall / 64!r}, timestep = "block" }}
output = {{ folder = "@" }}
""",
    )
    energy = run.energy()
    time, error = energy["time"], np.abs(energy["energy_error"])
    deepest = np.argmin(energy["potential"])
    rows = [{
        "bodies": bodies,
        "greatest density at [free-fall times]": time[deepest] / fall,
        "potential there / at the start": energy["potential"][deepest] / energy["potential"][0],
        "energy error there": error[deepest],
        "greatest": error.max(),
        "at the end": error[-1],
        "virial ratio at the end": energy["virial_ratio"][-1],
        "full steps": len(time) - 1,
        "evaluations of all bodies or some": run.report["evaluations"],
        "seconds": run.seconds(),
    }]
    plot = Plot("Cold collapse", "time [free-fall times]", "energy error", linear="x")
    plot.series("block steps", [(t / fall, e) for t, e in zip(time, error) if e > 0], 0)
    text = f"""A uniform ball at rest, Plummer softening of {softening} of its radius (the spline does not let cells act within its support, which holds the whole ball at its smallest), block
steps with their default settings. In the limit of many bodies it reaches its greatest density after one
free-fall time; how small it gets is set by the noise of its bodies (Aarseth, Lin & Papaloizou 1988, ApJ 324, 288).

{table(rows)}"""
    verdicts = [
        Verdict("energy error, greatest", error.max(), 5e-3),
        Verdict("distance of the greatest density from one free-fall time", abs(time[deepest] / fall - 1), 0.1),
        Verdict("distance of the virial ratio from 1 at the end", abs(energy["virial_ratio"][-1] - 1), job.some(0.1, 0.5)),
    ]
    return text, {"validation-collapse": plot}, verdicts
