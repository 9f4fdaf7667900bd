"""External potentials: potentials and accelerations of massless bodies at rest, compared with galpy
and gala."""

import csv
from pathlib import Path

import numpy as np

from page import Verdict, table
from snapshots import Bodies, Run

REFERENCE = Path(__file__).resolve().parents[2] / "nbody/tests/reference/potentials.csv"
# The cases of potentials.py. The first have G = 1, so that their masses are G M.
SYSTEM = {"MWPotential2014": "galactic", "McMillan2017": "galactic"}
KEYS = {
    "point-mass": 'kind = "point-mass", mass = 2.5e5',
    "plummer": 'kind = "point-mass", mass = 2.5e5, softening = 0.4',
    "isochrone": 'kind = "isochrone", mass = 2.5e5, scale = 3.0',
    "logarithmic": 'kind = "logarithmic", speed = 200.0, core = 0.5, flattening_y = 0.9, flattening = 0.8',
    "nfw": 'kind = "nfw", mass = 2.5e5, scale = 16.0',
    "hernquist": 'kind = "hernquist", mass = 2.5e5, scale = 3.0',
    "miyamoto-nagai": 'kind = "miyamoto-nagai", mass = 2.5e5, scale = 3.0, height = 0.4',
    "power-law-cutoff": 'kind = "power-law-cutoff", mass = 2.5e5, slope = 1.8, cut = 1.9',
    "bar": 'kind = "bar", strength = 0.05, speed = 220.0, radius = 8.0, length = 3.5, pattern_speed = 50.0, angle = 25.0',
    "MWPotential2014": 'kind = "MWPotential2014"',
    "McMillan2017": 'kind = "McMillan2017"',
}


def fields(job):
    reference = {}
    with open(REFERENCE) as file:
        for package, name, kind, time, *numbers in csv.reader(line for line in file if not line.startswith("#")):
            if kind == "field" and float(time) == 0:
                reference.setdefault((name, package), []).append([float(x) for x in numbers])
    assert {name for name, _ in reference} == set(KEYS)
    rows = []
    for (name, package), numbers in sorted(reference.items()):
        numbers = np.array(numbers)
        places, potential, pull = numbers[:, :3], numbers[:, 3], numbers[:, 4:]
        start = job.folder / f"potential-{name}-{package}.txt"
        lines = [" ".join(map(repr, [*map(float, place), 0.0, 0.0, 0.0, 0.0, i])) for i, place in enumerate(places)]
        start.write_text("\n".join(["x y z vx vy vz mass id", *lines]) + "\n")
        run = Run(
            job.folder / f"potential-{name}-{package}",
            f"""initial = {{ file = "{start.resolve()}" }}
units = {{ system = "{SYSTEM.get(name, 'nbody')}" }}
potential = [{{ {KEYS[name]} }}]
gravity = {{ walk = "direct" }}
time = {{ steps = 1, step = 1e-9 }}
output = {{ folder = "@", acceleration = true, potential = true }}
""",
        )
        found = Bodies(run.snapshots()[0])
        gap = np.linalg.norm(found.acceleration - pull, axis=1) / np.linalg.norm(pull, axis=1)
        # The zero of a potential is free.
        zero = found.potential[0] - potential[0]
        rows.append({
            "potential": name, "package": package, "acceleration, greatest difference": float(gap.max()),
            "potential, greatest difference": float((np.abs(found.potential - zero - potential) / np.abs(potential)).max()),
        })
    heading = open(REFERENCE).readline().split(";")[0].removeprefix("# ")
    text = f"""Massless bodies at rest at {len(places)} places from 0.06 to 76 kpc, in the first snapshot of a run,
against {heading} (`scripts/validation/potentials.py`). Differences are
relative. galpy computes the model of McMillan (2017) by an expansion of its own. Orbits are
compared in the tests of `nbody`.

{table(rows)}"""
    exact = [row for row in rows if row["potential"] != "McMillan2017"]
    worst = lambda rows: max(max(row["acceleration, greatest difference"], row["potential, greatest difference"]) for row in rows)
    return text, {}, [
        Verdict("greatest difference, without McMillan's model", worst(exact), 1e-8),
        Verdict("greatest difference of McMillan's model", worst([row for row in rows if row not in exact]), 5e-3),
    ]
