"""Writes nbody/tests/reference/potentials.csv: fields and orbits of galpy and gala, with which the
tests of nbody compare. It runs alone, in an environment of its own:

    python3 -m venv target/galactic && target/galactic/bin/pip install -r scripts/requirements-galactic.txt
    target/galactic/bin/python scripts/validation/potentials.py

Lengths are in kpc, speeds in km/s, masses as G M in kpc (km/s)^2. A row is the package, the case, the
kind of the row, the time and seven or nine numbers: `field` has the place, the potential and the
acceleration, `orbit` the place, the velocity and the place at the end of the orbit."""

import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")

import astropy.units as u
import gala
import gala.dynamics as gd
import gala.potential as gp
import galpy
import galpy.potential as pp
import numpy as np
from gala.integrate import DOPRI853Integrator
from gala.units import UnitSystem
from galpy.orbit import Orbit
from galpy.potential.mwpotentials import McMillan17

UNITS = UnitSystem(u.kpc, u.kpc / (u.km / u.s), u.Msun, u.rad, u.km / u.s)
GM, A, B = 2.5e5, 3.0, 0.4
G = gp.KeplerPotential(m=1, units=UNITS).G
PLACES = [(8.0, 0.5, -0.3), (-1.2, 0.7, 0.4), (0.02, -0.05, 0.03), (25.0, -60.0, 40.0)]
TIMES = [0.0, 0.05, 0.4]


def mass(gm):
    return gm / G * u.Msun


def of_gala():
    m, c = mass(GM), {"units": UNITS}
    return {
        "point-mass": gp.KeplerPotential(m=m, **c),
        "plummer": gp.PlummerPotential(m=m, b=B, **c),
        "isochrone": gp.IsochronePotential(m=m, b=A, **c),
        "logarithmic": gp.LogarithmicPotential(v_c=200.0, r_h=0.5, q1=1.0, q2=0.9, q3=0.8, **c),
        "nfw": gp.NFWPotential(m=m, r_s=16.0, **c),
        "hernquist": gp.HernquistPotential(m=m, c=A, **c),
        "miyamoto-nagai": gp.MiyamotoNagaiPotential(m=m, a=A, b=B, **c),
        "power-law-cutoff": gp.PowerLawCutoffPotential(m=m, alpha=1.8, r_c=1.9, **c),
    }


def of_galpy():
    bulge = pp.PowerSphericalPotentialwCutoff(amp=1.0, alpha=1.8, rc=1.9)
    # Its mass inside 1000 kpc is the whole mass.
    bulge = pp.PowerSphericalPotentialwCutoff(amp=GM / bulge.mass(1000.0), alpha=1.8, rc=1.9)
    # Dehnen (2000): strength 0.05 at 8 kpc and 220 km/s, length 3.5 kpc, 50 km/s/kpc, angle 25 degrees.
    amplitude = 0.05 * 220.0**2 / 3.0 * (8.0 / 3.5) ** 3
    bar = pp.DehnenBarPotential(amp=1.0, omegab=50.0, rb=3.5, Af=amplitude, barphi=np.radians(25.0))
    # It has its full strength at the times of this table.
    bar._tform, bar._tsteady = -1e9, -1e8
    return {
        "point-mass": pp.KeplerPotential(amp=GM),
        "plummer": pp.PlummerPotential(amp=GM, b=B),
        "isochrone": pp.IsochronePotential(amp=GM, b=A),
        "logarithmic": pp.LogarithmicHaloPotential(amp=200.0**2, core=0.5, q=0.8, b=0.9),
        "nfw": pp.NFWPotential(amp=GM, a=16.0),
        "hernquist": pp.HernquistPotential(amp=2.0 * GM, a=A),
        "miyamoto-nagai": pp.MiyamotoNagaiPotential(amp=GM, a=A, b=B),
        "power-law-cutoff": bulge,
        "bar": bar,
        "MWPotential2014": milky_way(),
        "McMillan2017": McMillan17,
    }


def milky_way():
    """MWPotential2014 with lengths in kpc and speeds in km/s."""
    bulge = pp.PowerSphericalPotentialwCutoff(alpha=1.8, rc=1.9 / 8.0, normalize=0.05)
    disc = pp.MiyamotoNagaiPotential(a=3.0 / 8.0, b=0.28 / 8.0, normalize=0.6)
    halo = pp.NFWPotential(a=16.0 / 8.0, normalize=0.35)
    return Scaled([bulge, disc, halo], 8.0, 220.0)


class Scaled:
    """A potential of galpy in natural units, or a sum of them, at places in kpc."""

    def __init__(self, parts, length, speed):
        self.parts, self.length, self.speed = parts, length, speed


def natural(potential):
    if isinstance(potential, Scaled):
        return potential.parts, potential.length, potential.speed
    if potential is McMillan17:
        return potential, McMillan17[0]._ro, McMillan17[0]._vo
    return potential, 1.0, 1.0


def galpy_field(potential, place, time):
    parts, length, speed = natural(potential)
    x, y, z = (coordinate / length for coordinate in place)
    r, phi, t = np.hypot(x, y), np.arctan2(y, x), time * speed / length
    def call(function):
        return float(function(parts, r, z, phi=phi, t=t, use_physical=False))
    value, radial, vertical = call(pp.evaluatePotentials), call(pp.evaluateRforces), call(pp.evaluatezforces)
    torque = call(pp.evaluatephitorques)
    along, across = radial, torque / r
    acceleration = [along * x / r - across * y / r, along * y / r + across * x / r, vertical]
    return [speed**2 * value, *(speed**2 / length * np.array(acceleration))]


def rows():
    for name, potential in of_gala().items():
        for place in PLACES:
            at = np.array(place) * u.kpc
            value = potential.energy(at).to_value((u.km / u.s) ** 2)[0]
            pull = potential.acceleration(at).to_value((u.km / u.s) ** 2 / u.kpc)[:, 0]
            yield "gala", name, "field", 0.0, *place, value, *pull
    for name, potential in of_galpy().items():
        for place in PLACES:
            for time in TIMES if name == "bar" else TIMES[:1]:
                yield "galpy", name, "field", time, *place, *galpy_field(potential, place, time)
    yield from orbits()


def orbits():
    place, velocity, time = [8.3, 0.4, 1.1], [60.0, 180.0, 70.0], 0.5
    start = gd.PhaseSpacePosition(pos=place * u.kpc, vel=velocity * u.km / u.s)
    disc = gp.MiyamotoNagaiPotential(m=mass(3e5), a=3.0, b=0.28, units=UNITS)
    halo = gp.NFWPotential(m=mass(2e6), r_s=16.0, units=UNITS)
    both = gp.CCompositePotential(disc=disc, halo=halo)
    steps = 5000
    path = gp.Hamiltonian(both).integrate_orbit(
        start, dt=time / steps, n_steps=steps, Integrator=DOPRI853Integrator, Integrator_kwargs={"atol": 1e-13, "rtol": 1e-13})
    yield "gala", "disc-halo", "orbit", time, *place, *velocity, *path.pos.xyz.to_value(u.kpc)[:, -1]
    parts, length, speed = natural(milky_way())
    x, y, z = np.array(place) / length
    u_, v, w = np.array(velocity) / speed
    r, phi = np.hypot(x, y), np.arctan2(y, x)
    orbit = Orbit([r, (u_ * x + v * y) / r, (v * x - u_ * y) / r, z, w, phi])
    times = np.linspace(0.0, time * speed / length, steps + 1)
    orbit.integrate(times, parts, method="dop853_c", rtol=1e-13, atol=1e-13)
    end = [getattr(orbit, axis)(times[-1], use_physical=False) * length for axis in "xyz"]
    yield "galpy", "MWPotential2014", "orbit", time, *place, *velocity, *end


def main():
    out = Path(__file__).resolve().parents[2] / "nbody/tests/reference/potentials.csv"
    lines = [f"# galpy {galpy.__version__}, gala {gala.__version__}; G M {GM!r}; written by scripts/validation/potentials.py"]
    for package, name, kind, *numbers in rows():
        lines.append(",".join([package, name, kind, *(repr(float(number)) for number in numbers)]))
    out.write_text("\n".join(lines) + "\n")
    print(f"{len(lines) - 1} rows in {out}")


sys.exit(main())
