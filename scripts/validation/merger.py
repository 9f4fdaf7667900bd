"""Two cuspy galaxies merge: what block steps save, and force errors all the way."""

import json

import numpy as np

from page import Verdict, table
from plot import Plot
from snapshots import Run, heorot

# Two Hernquist spheres of mass 1 and scale radius 1 on a parabola.
INITIAL = 'initial = {{ model = "collision", bodies = {bodies}, mass = 2.0, radius = 1.0, pericentre = 1.0, distance = 8.0, cut = 30.0, seed = 1 }}'
END = 10.0


def run_of(job, name, bodies, time, more=""):
    return Run(
        job.folder / f"merger-{name}",
        f"""{INITIAL.format(bodies=bodies)}
units = {{ system = "nbody" }}
gravity = {{ softening = 0.005{more} }}
time = {{ end = {job.some(END, 2.0)}, {time} }}
output = {{ folder = "@", snapshot_every = {job.some(END, 2.0) / 8} }}
""",
    )


def merger(job):
    bodies = job.some(20_000, 1_000)
    longest = 0.125
    rows, plot = [], Plot("Energy error against time spent", "seconds of the run", "greatest energy error")
    lines = {
        "one step for all": [(f"step {longest / 2**k:g}", f"step = {longest / 2**k}") for k in job.few(range(3, 8))],
        # Both criteria twice as short each time; the middle one is the default.
        "block steps": [(f"eta {0.025 * s * s:.3g}", f'step = {longest}, timestep = "block", eta = {0.025 * s * s}, eta_rate = {0.02 * s}') for s in job.few([2, 1, 0.5])],
    }
    best = {}
    for style, (kind, settings) in enumerate(lines.items()):
        points = []
        for name, time in settings:
            run = run_of(job, name.replace(" ", "-"), bodies, time, ", accuracy = 3e-4")
            error = np.abs(run.energy()["energy_error"]).max()
            rows.append({"steps": kind, "setting": name, "energy error, greatest": error, "seconds": run.seconds(),
                         "evaluations of all bodies or some": run.report["evaluations"]})
            points.append((run.seconds(), error))
        plot.series(kind, points, style)
        best[kind] = points
    # The block setting that reaches the error of the smallest common step soonest.
    seconds, error = best["one step for all"][-1]
    good = [taken for taken, reached in best["block steps"] if reached <= error]
    faster = seconds / min(good) if good else 0.0
    outcome = f"Block steps reach the energy error of the smallest common step **{faster:.1f} times** faster." if good else "No block steps reach the energy error of the smallest common step."
    text = f"""Two Hernquist spheres of {bodies // 2:,} bodies each on a parabola merge; softening 0.005 of a scale radius. Runs with one step for all bodies and runs with block steps of several
accuracies, one after the other; two threads, output counted out.

{table(rows)}
{outcome}
"""
    verdicts = [Verdict("time of block steps over that of the smallest common step, at its error", 1 / faster if faster else np.inf, 0.2)]
    return text, {"validation-merger": plot}, [] if job.quick else verdicts


def forces(job):
    """Force errors at every output."""
    bodies = job.some(50_000, 2_000)
    wanted = 1e-3
    run = run_of(job, "forces", bodies, 'step = 0.125, timestep = "block"')
    rows = []
    for path in run.snapshots():
        report = job.folder / "force.json"
        heorot("force", path, "--softening", 0.005, "--accuracy", wanted, "--check", job.some(2000, 200), "--report", report)
        found = json.loads(report.read_text())
        error = found["force_error"]
        rows.append({"snapshot": path.stem, "rms": error["rms"], "99 % below": error["percentile_99"], "greatest": error["greatest"],
                     "mean outward / rms": error["bias"] / error["rms"]})
    during = run.report["accuracy"]
    text = f"""The merger above with {bodies:,} bodies and the default accuracy of {wanted:g}: errors of 2,000 random bodies against direct sums, at every output. The run itself looked
{during["checks"]} times, and found at most {during["greatest_rms"]:.2e}.

{table(rows)}"""
    verdicts = [
        Verdict("force error (rms), greatest of all outputs", max(row["rms"] for row in rows), wanted),
        Verdict("force error found during the run", during["greatest_rms"], wanted),
    ]
    return text, {}, verdicts
