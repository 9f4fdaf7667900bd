"""A tidal stream: the cluster keeps its orbit in the fixed field, and its tails follow this orbit."""

import re
from pathlib import Path

import numpy as np
from scipy.integrate import solve_ivp
from scipy.special import gamma, gammainc

from page import Verdict, table
from snapshots import Bodies, Run

INPUT = Path(__file__).resolve().parent.parent.parent / "inputs/stream.toml"
# Bodies farther than this from the cluster are in its tails [kpc]: twice its tidal radius.
FAR = 0.2
# The orbit is compared with the tails this long before and after the end, in units of 0.978 Gyr.
SPAN = 0.25


def acceleration(place):
    """MWPotential2014 of Bovy (2015, ApJS 216, 29), kpc and km/s: 220 km/s at 8 kpc, of which the
    square is divided among bulge, disc and halo as 0.05, 0.6 and 0.35."""
    r = np.linalg.norm(place)
    bulge = lambda x: gammainc(0.6, (x / 1.9) ** 2) * gamma(0.6)  # mass within, up to a factor
    halo = lambda x: np.log(1 + x / 16) - x / (x + 16)
    speed2 = 220.0**2
    central = sum(part * speed2 * 8.0 * mass(r) / mass(8.0) for part, mass in ((0.05, bulge), (0.35, halo)))
    x, y, z = place
    a, b = 3.0, 0.28
    depth = np.hypot(z, b)
    of_disc = lambda radius2, depth: (radius2 + (a + depth) ** 2) ** -1.5
    disc = 0.6 * speed2 / (8.0**2 * of_disc(8.0**2, b)) * of_disc(x * x + y * y, depth)
    return -central * place / r**3 - disc * np.array([x, y, z * (a + depth) / depth])


def orbit(place, velocity, times):
    """Places of a point on its orbit at times from 0 on."""
    slope = lambda _, state: np.concatenate([state[3:], acceleration(state[:3])])
    found = solve_ivp(slope, (0, times[-1]), [*place, *velocity], method="DOP853", rtol=1e-11, atol=1e-11, dense_output=True)
    return found.sol(times)[:3].T


def stream(job):
    bodies, end = job.some(5000, 300), job.some("3 Gyr", "500 Myr")
    text = INPUT.read_text()
    for key, value in {"bodies": bodies, "end": f'"{end}"', "snapshot_every": f'"{end}"', "folder": '"@"'}.items():
        text = re.sub(rf"^{key} = .*", f"{key} = {value}", text, flags=re.M)
    run = Run(job.folder / "stream", text.split("[movie]")[0])
    vector = lambda key: [float(x) for x in re.search(rf"^{key} = \[(.*)\]", text, flags=re.M)[1].split(",")]
    last = Bodies(run.snapshots()[-1])
    times = np.linspace(max(last.time - SPAN, 0), last.time + SPAN, 2001)
    path = orbit(vector("position"), vector("velocity"), times)
    here = path[np.argmin(np.abs(times - last.time))]
    near = last.position
    for radius in (2.0, 0.5, 0.1, 0.05):
        close = np.linalg.norm(last.position - here, axis=1) < radius
        here = last.position[close].mean(axis=0) if close.sum() > 10 else here
    now = np.argmin(np.abs(times - last.time))
    way = path[now + 1] - path[now - 1]
    off = (here - path[now]) @ way / np.linalg.norm(way)
    across = np.linalg.norm(np.cross(here - path[now], way)) / np.linalg.norm(way)
    tail = near[np.linalg.norm(near - here, axis=1) > FAR]
    distance = np.linalg.norm(tail[:, None] - path[None, ::10], axis=2)
    along = times[::10][distance.argmin(axis=1)] - last.time
    inside = (distance.argmin(axis=1) > 0) & (distance.argmin(axis=1) < distance.shape[1] - 1)
    ahead, behind = (float(((along > 0) & inside).sum()) / bodies, float(((along < 0) & inside).sum()) / bodies)
    aside = float(np.median(distance.min(axis=1)[inside])) if inside.any() else np.nan
    energy = np.abs(run.energy()["energy_error"]).max()
    row = {"bodies": bodies, "time": end, "cluster ahead of the orbit [kpc]": off, "off it sideways [kpc]": across, "bodies ahead [%]": 100 * ahead, "bodies behind [%]": 100 * behind,
           "median distance of tails from the orbit [kpc]": aside, "energy error": energy, "seconds": run.seconds()}
    text = f"""`inputs/stream.toml`: a cluster on its orbit in MWPotential2014. The orbit of a point is computed with
DOP853 of SciPy and with formulas of its own. Bodies farther than {FAR * 1000:g} pc from the cluster are in its
tails, which carry momentum away. If their numbers differ by the noise of the bodies that left, sqrt(n), of
{bodies:,}, and these leave at 1.5 km/s, which is the speed at which the field turns the tidal radius, the cluster
moves along its orbit by 0.04 kpc in 3 Gyr. Steps of "rate" add 0.02 kpc for a point. Bodies are ahead or behind by the nearest place on the orbit, up to {SPAN * 978:.0f} Myr away.

{table([row])}"""
    verdicts = [
        Verdict("cluster off the orbit of a point, sideways [kpc]", float(across), job.some(0.02, 0.1)),
        Verdict("cluster off the orbit of a point, along it [kpc]", abs(float(off)), job.some(0.1, 0.1)),
        Verdict("energy error", float(energy), 1e-4),
        Verdict("2 % over the fraction of bodies ahead", 0.02 / max(ahead, 1e-9), job.some(1.0, 1e9)),
        Verdict("2 % over the fraction of bodies behind", 0.02 / max(behind, 1e-9), job.some(1.0, 1e9)),
        Verdict("median distance of tails from the orbit [kpc]", aside, job.some(0.5, 1.0)),
    ]
    return text, {}, verdicts
