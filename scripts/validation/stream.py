"""A tidal stream. The cluster follows its orbit in the fixed field, apart from the momentum that its
tails carry away, and the tails follow this orbit."""

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
EVERY = "25 Myr"  # between snapshots


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
    """States of a point on its orbit, six numbers each, at times from 0 on."""
    slope = lambda _, state: np.concatenate([state[3:], acceleration(state[:3])])
    found = solve_ivp(slope, (0, times[-1]), [*place, *velocity], method="DOP853", rtol=1e-11, atol=1e-11, dense_output=True)
    return found.sol(times).T


def centre_of(position, guess):
    """The centre of the cluster, the mean of spheres that shrink about it, to 50 pc."""
    for radius in (2.0, 0.5, 0.1, 0.05):
        close = np.linalg.norm(position - guess, axis=1) < radius
        guess = position[close].mean(axis=0) if close.sum() > 10 else guess
    return guess


def with_recoil(paths):
    """The last snapshot, the places of its bodies in the cluster, and where the orbit of the cluster leads.
    The orbit is that of the centre of mass of the bodies within `FAR` of the centre. From one snapshot to
    the next it is the orbit of a point. A body that has left by then takes its share of mass and momentum
    with it, so that the centre of mass of the others is another one."""
    last = Bodies(paths[0])
    inside = np.full(len(last.mass), True)
    state = np.concatenate([last.position.mean(axis=0), last.velocity.mean(axis=0)])
    for path in paths[1:]:
        bodies = Bodies(path)
        state = orbit(state[:3], state[3:], [0.0, bodies.time - last.time])[-1]
        mean = lambda chosen: np.concatenate([x[chosen].mean(axis=0) for x in (bodies.position, bodies.velocity)])
        centre = centre_of(bodies.position, state[:3])
        stay = np.linalg.norm(bodies.position - centre, axis=1) < FAR
        state, inside, last = state + mean(stay) - mean(inside), stay, bodies
    return last, inside, state


def stream(job):
    bodies, end = job.some(5000, 300), job.some("3 Gyr", "500 Myr")
    text = INPUT.read_text()
    for key, value in {"bodies": bodies, "end": f'"{end}"', "snapshot_every": f'"{EVERY}"', "folder": '"@"'}.items():
        text = re.sub(rf"^{key} = .*", f"{key} = {value}", text, flags=re.M)
    run = Run(job.folder / "stream", text.split("[movie]")[0])
    vector = lambda key: [float(x) for x in re.search(rf"^{key} = \[(.*)\]", text, flags=re.M)[1].split(",")]
    last, inside, state = with_recoil(run.snapshots())
    cluster = last.position[inside].mean(axis=0)
    times = np.linspace(max(last.time - SPAN, 0), last.time + SPAN, 2001)
    path = orbit(vector("position"), vector("velocity"), times)
    now = np.argmin(np.abs(times - last.time))
    way = state[3:] / np.linalg.norm(state[3:])
    along = lambda place: float((cluster - place) @ way)
    off, across = along(state[:3]), float(np.linalg.norm(np.cross(cluster - state[:3], way)))
    path = path[:, :3]
    tail = last.position[~inside]
    distance = np.linalg.norm(tail[:, None] - path[None, ::10], axis=2)
    nearest = distance.argmin(axis=1)
    later = times[::10][nearest] - last.time
    known = (nearest > 0) & (nearest < distance.shape[1] - 1)
    ahead, behind = (float((chosen & known).sum()) / bodies for chosen in (later > 0, later < 0))
    aside = float(np.median(distance.min(axis=1)[known])) if known.any() else np.nan
    energy = np.abs(run.energy()["energy_error"]).max()
    row = {"bodies": bodies, "time": end, "cluster ahead of the orbit of a point [kpc]": along(path[now]), "ahead of its orbit with recoil [kpc]": off,
           "off it sideways [kpc]": across, "bodies ahead [%]": 100 * ahead, "bodies behind [%]": 100 * behind,
           "median distance of tails from the orbit [kpc]": aside, "energy error": energy, "seconds": run.seconds()}
    text = f"""`inputs/stream.toml`: a cluster on its orbit in MWPotential2014. Bodies farther than {FAR * 1000:g} pc from the
cluster are in its tails, which carry momentum away. More bodies leave on one side than on the other, by
chance. So the cluster does not stay on the orbit of a point with its first place and velocity.
`scripts/validation/stream.py` computes the orbit of the cluster with this recoil, with DOP853 of SciPy and
its own formulas of the field. Between two snapshots, {EVERY} apart, the centre of mass of the cluster moves
as a point. At a snapshot, place and velocity become those of the bodies that have not left. The tails
are compared with the orbit of a point: bodies are ahead or behind by the nearest place on it, up to
{SPAN * 978:.0f} Myr away.

{table([row])}"""
    verdicts = [
        Verdict("cluster off its orbit with recoil, sideways [kpc]", across, 0.02),
        Verdict("cluster off its orbit with recoil, along it [kpc]", abs(off), 0.04),
        Verdict("energy error", float(energy), 1e-4),
        Verdict("2 % over the fraction of bodies ahead", 0.02 / max(ahead, 1e-9), job.some(1.0, 1e9)),
        Verdict("2 % over the fraction of bodies behind", 0.02 / max(behind, 1e-9), job.some(1.0, 1e9)),
        Verdict("median distance of tails from the orbit [kpc]", aside, job.some(0.5, 1.0)),
    ]
    return text, {}, verdicts
