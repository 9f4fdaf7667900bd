"""A merger of two cuspy galaxies: the gain from block steps, and force errors over time."""

import json

import numpy as np

from page import Verdict, table
from plot import Plot
from snapshots import Run, heorot

# Two Jaffe spheres of mass 1 and radius 1 on a parabola. They have merged after 0.75 units of time.
INITIAL = 'initial = {{ model = "collision", profile = "jaffe", bodies = {bodies}, mass = 2.0, radius = 1.0, pericentre = 0.1, distance = 1.0, cut = 10.0, softening = {softening}, seed = 1 }}'
SOFTENING = 0.002
END = 0.75
FULL = 1 / 16
# Errors within this factor are dominated by force errors, and vary by chance.
AS_GOOD = 1.25


def run_of(job, name, bodies, time, outputs):
    return Run(
        job.folder / f"merger-{name}",
        f"""{INITIAL.format(bodies=bodies, softening=SOFTENING)}
units = {{ system = "nbody" }}
gravity = {{ softening = {SOFTENING} }}
time = {{ end = {job.some(END, 0.25)}, {time} }}
output = {{ folder = "@", snapshot_every = {job.some(END, 0.25) / outputs} }}
""",
    )


def merger(job):
    bodies = job.some(50_000, 1_000)
    rows, plot = [], Plot("Energy error against time spent", "seconds of the run", "greatest energy error")
    block = f'step = {FULL}, timestep = "block", criterion'
    lines = {
        "one step for all": [(f"step 1/{2**k}", f"step = {2.0**-k}") for k in job.few(range(10, 14))],
        "block, acceleration": [(f"eta {eta:g}", f'{block} = "acceleration", eta = {eta}') for eta in job.few([0.0128, 0.0032, 0.0008])],
        "block, both": [(f"eta_rate {eta:g}", f'{block} = "both", eta_rate = {eta}') for eta in job.few([0.02])],
    }
    found = {}
    for style, (kind, settings) in enumerate(lines.items()):
        found[kind] = []
        for name, time in settings:
            run = run_of(job, f"{style}-{name.replace(' ', '-').replace('/', '-')}", bodies, time, 4)
            # All runs have states at the ends of full steps.
            energy = run.energy()
            at_ends = np.isclose(energy["time"] / FULL, np.round(energy["time"] / FULL), atol=1e-6)
            error = np.abs(energy["energy_error"][at_ends]).max()
            steps = run.report.get("time_steps")
            rows.append({"steps": kind, "setting": name, "energy error, greatest": error, "seconds": run.seconds(),
                         "shortest step": f"1/{round(2 ** (len(steps['rungs']) - 1) / FULL)}" if steps else name[5:],
                         "steps of a body": steps["steps_per_body"] if steps else run.report["steps"]})
            found[kind].append((run.seconds(), error))
        plot.series(kind, found[kind], style)
    common, own = (list(found.values())[k] for k in (0, 1))
    seconds, error = common[-1]
    good = [taken for taken, reached in own if reached <= AS_GOOD * error]
    best = min(good, default=np.inf)
    cheapest = min(taken for taken, reached in common if reached <= AS_GOOD * error)
    text = f"""Two Jaffe spheres of {bodies // 2:,} bodies each merge on a parabola. The softening is {SOFTENING} of their radius,
and the forces have the default accuracy. Runs with one step for all bodies and runs with block
steps, by the acceleration criterion alone or by both criteria, follow each other on two threads.
The time excludes output. Energies are compared at the ends of full steps of 1/{round(1 / FULL)}. An error counts
as reached within a quarter, because errors as small as that are force errors and vary by chance.

{table(rows)}
Block steps by the acceleration criterion reach the error of the shortest global step {seconds / best:.1f} times
faster than that step. The longest global step with this error takes {cheapest / best:.1f} of the time of the block
steps. In a cusp, the rate of change of the acceleration is dominated by the nearest neighbours.
Steps by the rate criterion therefore vary from one to the next, and the errors of the leapfrog
accumulate.
"""
    verdicts = [Verdict("time of block steps / time of the shortest global step, at its error", best / seconds, 0.2)]
    return text, {"validation-merger": plot}, [] if job.quick else verdicts


def forces(job):
    """Force errors at every output."""
    bodies = job.some(50_000, 2_000)
    wanted = 1e-3
    run = run_of(job, "forces", bodies, f'step = {FULL}, timestep = "block", criterion = "acceleration"', 8)
    rows = []
    for path in run.snapshots():
        report = job.folder / "force.json"
        heorot("force", path, "--softening", SOFTENING, "--accuracy", wanted, "--check", job.some(2000, 200), "--report", report, "--overwrite")
        found = json.loads(report.read_text())
        error = found["force_error"]
        rows.append({"snapshot": path.stem, "rms": error["rms"], "99 % below": error["percentile_99"], "greatest": error["greatest"],
                     "mean outward / rms": error["bias"] / error["rms"]})
    during = run.report["accuracy"]
    text = f"""The merger above with {bodies:,} bodies and the default accuracy of {wanted:g}. Errors of 2,000 random
bodies against direct sums, at every output. The run itself measured {during["checks"]} times, and found at most
{during["greatest_rms"]:.2e}.

{table(rows)}"""
    verdicts = [
        # Errors vary tenfold between bodies, so the rms of 200 of them is known to about 10 %.
        Verdict("force error (rms), greatest of all outputs", max(row["rms"] for row in rows), job.some(1, 1.2) * wanted),
        Verdict("force error found during the run", during["greatest_rms"], wanted),
    ]
    return text, {}, verdicts
