"""Two and three bodies with known motion: Kepler ellipse, figure of eight, Pythagorean problem."""

from math import pi, sqrt

import numpy as np
from scipy.integrate import solve_ivp

from page import Verdict, table
from snapshots import Bodies, Run

# Chenciner & Montgomery (2000), with the numbers of Simo: positions and velocities of three
# bodies of mass 1, and the period.
EIGHT = np.array([[0.97000436, -0.24308753], [-0.97000436, 0.24308753], [0.0, 0.0]])
EIGHT_VELOCITY = np.array([[0.466203685, 0.43236573], [0.466203685, 0.43236573], [-0.93240737, -0.86473146]])
PERIOD = 6.32591398
# Burrau (1913): masses 3, 4, 5 at rest at the corners of a triangle of these sides.
BURRAU = np.array([[1.0, 3.0], [-2.0, -1.0], [1.0, -1.0]])
BURRAU_MASS = np.array([3.0, 4.0, 5.0])
SOFTENING = 0.01


def run_of(job, name, initial, time, softening=""):
    text = f"""initial = {initial}
units = {{ system = "nbody" }}
gravity = {{ walk = "direct"{softening} }}
time = {{ {time} }}
output = {{ folder = "@" }}
"""
    return Run(job.folder / name, text)


def written(job, name, mass, position, velocity):
    """A table of bodies in the plane, as an `initial`."""
    path = job.folder / f"{name}.txt"
    rows = [f"{m!r} {x!r} {y!r} 0 {u!r} {v!r} 0" for m, (x, y), (u, v) in zip(mass.tolist(), position.tolist(), velocity.tolist())]
    text = "\n".join(["mass x y z vx vy vz", *rows]) + "\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return f'{{ file = "{path}" }}'


def slope(rows):
    """The order of an error: how many times it halves when the step is halved."""
    first, last = rows[0], rows[-1]
    return np.log2(first["error"] / last["error"]) / np.log2(last["steps an orbit"] / first["steps an orbit"])


def few_bodies(job):
    eight = []
    for steps in job.few([250, 500, 1000, 2000]):
        run = run_of(job, f"eight-{steps}", written(job, "eight", np.ones(3), EIGHT, EIGHT_VELOCITY), f"end = {PERIOD!r}, step = {PERIOD / steps!r}")
        last = Bodies(run.snapshots()[-1])
        eight.append({"problem": "figure of eight", "steps an orbit": steps, "orbits": 1, "error": np.abs(last.position[:, :2] - EIGHT).max(),
                      "energy error": np.abs(run.energy()["energy_error"]).max()})
    kepler = []
    orbits = 10
    for steps in job.few([4000, 8000, 16000]):
        initial = '{ model = "two-body", semi_major_axis = 1.0, eccentricity = 0.9, mass = 1.0 }'
        run = run_of(job, f"kepler-{steps}", initial, f"end = {2 * pi * orbits!r}, step = {2 * pi / steps!r}")
        first, last = (Bodies(path) for path in (run.snapshots()[0], run.snapshots()[-1]))
        kepler.append({"problem": "Kepler, e = 0.9", "steps an orbit": steps, "orbits": orbits,
                       "error": np.linalg.norm(separation(last) - separation(first)) / np.linalg.norm(separation(first)),
                       "energy error": np.abs(run.energy()["energy_error"]).max()})
    burrau, burrau_error = pythagorean(job)
    text = f"""Direct summation in double precision (`walk = "direct"`). The figure of eight returns to its start
after a period; its error is the largest deviation of a coordinate. The ellipse returns to its
apocentre; its error is that of the vector between the two bodies, relative to its length. Both
errors must fall with the square of the step.

{table(eight + kepler)}
The Pythagorean problem, with Plummer softening {SOFTENING} and block steps by the rate criterion, against
an integration of order eight with errors of 1e-13 a step (DOP853 of SciPy). The error is that of
the worst body. The problem is chaotic: errors grow at each close encounter.

{table(burrau)}"""
    verdicts = [
        Verdict("figure of eight, deviation of the order from 2", abs(slope(eight) - 2), 0.1),
        Verdict("figure of eight, error at the finest step", eight[-1]["error"], job.some(1e-4, 1e-2)),
        Verdict("Kepler, deviation of the order from 2", abs(slope(kepler) - 2), 0.1),
        Verdict("Kepler, error at the finest step", kepler[-1]["error"], job.some(0.05, 1.0)),
        Verdict("Pythagorean problem, error at t = 10", burrau_error, 1e-2),
    ]
    return text, {}, verdicts


def separation(bodies):
    return bodies.position[1] - bodies.position[0]


def pythagorean(job):
    """Rows of errors, and the one at t = 10 with the finest steps."""
    times = [2.5, 5.0, 7.5, 10.0]
    exact = reference(times)
    rows = []
    for eta in job.few([0.02, 0.01, 0.005]):
        run = Run(
            job.folder / f"pythagorean-{eta}",
            f"""initial = {written(job, "pythagorean", BURRAU_MASS, BURRAU, np.zeros((3, 2)))}
units = {{ system = "nbody" }}
gravity = {{ walk = "direct", softening = {{ kernel = "plummer", length = {SOFTENING} }} }}
time = {{ end = {times[-1]}, step = 0.0625, timestep = "block", criterion = "rate", eta_rate = {eta} }}
output = {{ folder = "@", snapshot_every = {times[0]} }}
""",
        )
        errors = [np.linalg.norm(Bodies(path).position[:, :2] - place, axis=1).max() for path, place in zip(run.snapshots()[1:], exact)]
        rows.append({"eta_rate": eta, **{f"error at t = {t:g}": error for t, error in zip(times, errors)},
                     "energy error": np.abs(run.energy()["energy_error"]).max(), "seconds": run.seconds()})
    return rows, rows[-1]["error at t = 10"]


def reference(times):
    """Positions at times."""

    def rates(_, state):
        place, velocity = state.reshape(2, 3, 2)
        offset = place[None] - place[:, None]
        cube = (np.sum(offset**2, axis=2) + SOFTENING**2) ** 1.5
        return np.concatenate([velocity, np.einsum("j,ijk->ik", BURRAU_MASS, offset / cube[..., None])]).ravel()

    start = np.concatenate([BURRAU, np.zeros((3, 2))]).ravel()
    found = solve_ivp(rates, (0, times[-1]), start, method="DOP853", rtol=1e-13, atol=1e-13, t_eval=times)
    return [state.reshape(2, 3, 2)[0] for state in found.y.T]
