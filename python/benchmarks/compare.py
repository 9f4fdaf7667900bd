"""Compares heorot, pytreegrav, REBOUND, gala and galpy at one measured force error, in one run.

    python python/benchmarks/compare.py --bodies 2000 20000 --error 1e-3

The task is the accelerations of all bodies of a Plummer sphere. Each tree code's opening angle is
lowered until its rms force error, against direct sums of heorot with the same softening, is not
above the wanted one. Then evaluations of all codes take turns, and the least time of each counts.
Needs numpy, heorot, and those of pytreegrav, rebound, gala, galpy (with pynbody) that are to be
compared. Prints a table in Markdown for each number of bodies.
"""

import argparse
import os
import time
from importlib.metadata import version

import numpy as np

import heorot


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bodies", type=int, nargs="+", default=[2_000, 20_000])
    parser.add_argument("--error", type=float, default=1e-3)
    parser.add_argument("--softening", type=float, default=0.01)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    given = parser.parse_args()
    for count in given.bodies:
        compare(count, given)


def compare(count: int, given: argparse.Namespace) -> None:
    bodies = heorot.model("plummer", bodies=count, seed=1, units="nbody")
    codes, left_out = [], []
    for kind in (Heorot, HeorotDirect, PyTreeGrav, Rebound, Gala, Galpy):
        if count > kind.most:
            left_out.append(f"{kind.name}: it sums over all pairs, which would take too long")
            continue
        try:
            code = kind(bodies, given)
            code.reach(given.error)
            codes.append(code)
        except ImportError as missing:
            left_out.append(f"{kind.name}: {missing}")
    seconds = {code.name: [] for code in codes}
    for _ in range(given.repeat):
        for code in codes:
            begun = time.perf_counter()
            code.evaluate(code.setting)
            seconds[code.name].append(time.perf_counter() - begun)
    fastest = min(seconds[codes[0].name])
    print(
        f"\n{count} bodies of a Plummer sphere, softening {given.softening}, wanted error {given.error:g}, {given.threads} "
        f"threads, least of {given.repeat} evaluations in turns; load {os.getloadavg()[0]:.1f}\n"
    )
    print("| code | setting | rms force error | seconds | relative |\n|---|---|---|---|---|")
    for code in codes:
        least = min(seconds[code.name])
        print(f"| {code.name} {code.version()} | {code.shown()} | {code.shown_error()} | {least:.3g} | {least / fastest:.1f} |", flush=True)
    for line in left_out:
        print(f"\nLeft out: {line}")


class Code:
    """A code whose force error falls with its setting."""

    settings: list = [1.2, 1.0, 0.85, 0.7, 0.6, 0.5, 0.42, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05]
    #: Shape of the softened force, by heorot's name.
    kernel = "spline"
    #: Number of bodies that it computes in reasonable time.
    most = 10**9
    package = "heorot"

    def __init__(self, bodies, given):
        self.bodies, self.given = bodies, given
        self.exact = None

    @property
    def length(self):
        return self.given.softening

    def reach(self, wanted):
        """Take the largest setting whose error is not above the wanted one."""
        for self.setting in self.settings:
            self.error = self.measure(self.fetch(self.evaluate(self.setting)))
            if self.error <= wanted:
                return

    def fetch(self, result):
        """The accelerations of an evaluation."""
        return result

    def measure(self, acc):
        """Root mean square of the relative errors."""
        if self.exact is None:
            bodies = self.bodies
            self.exact = heorot.direct(bodies.pos, bodies.mass, softening=self.length, kernel=self.kernel)[0]
        error = np.linalg.norm(acc - self.exact, axis=1) / np.linalg.norm(self.exact, axis=1)
        return np.sqrt((error**2).mean())

    def shown(self):
        return f"theta {self.setting}"

    def shown_error(self):
        missed = "" if self.error <= self.given.error else " (missed)"
        return f"{self.error:.1e}{missed}"

    def version(self):
        return heorot.__version__ if self.package == "heorot" else version(self.package)


class Heorot(Code):
    """With the search for the tolerance and the measurement of the error, in each call."""

    name = "heorot"
    settings = [None]

    def evaluate(self, _):
        bodies, given = self.bodies, self.given
        acc, _ = heorot.accelerations(
            bodies.pos, bodies.mass, softening=self.length, accuracy=given.error, threads=given.threads
        )
        return acc

    def shown(self):
        return f"accuracy {self.given.error:g}"


class HeorotDirect(Code):
    name = "heorot, direct"
    settings = [None]
    kernel = "plummer"

    def evaluate(self, _):
        bodies = self.bodies
        return heorot.direct(
            bodies.pos, bodies.mass, softening=self.length, kernel="plummer", threads=self.given.threads
        )[0]

    def shown(self):
        return "all pairs"


class PyTreeGrav(Code):
    """Its softening is the radius where the same spline ends: 2.8 times the Plummer-equivalent length."""

    name = package = "pytreegrav"

    def __init__(self, bodies, given):
        super().__init__(bodies, given)
        import numba
        import pytreegrav

        numba.set_num_threads(given.threads)
        self.module = pytreegrav
        self.support = np.full(len(bodies), 2.8 * given.softening)
        self.evaluate(1.0)  # compiles

    def evaluate(self, theta):
        return self.module.Accel(
            self.bodies.pos, self.bodies.mass, self.support, theta=theta, parallel=True, method="tree", quadrupole=True
        )

    def shown(self):
        return f"theta {self.setting}, quadrupoles"


class Rebound(Code):
    """Its tree has monopoles and Plummer's softening, and computes on one thread. The accelerations are not fetched within
    the time that is measured: one by one, that takes longer than their evaluation."""

    name = "REBOUND's tree"
    package = "rebound"
    kernel = "plummer"

    def __init__(self, bodies, given):
        super().__init__(bodies, given)
        import rebound

        self.sim = rebound.Simulation()
        self.sim.root_size = 4.0 * np.abs(bodies.pos).max()
        self.sim.gravity, self.sim.integrator = "tree", "leapfrog"
        self.sim.boundary, self.sim.softening = "open", given.softening
        self.sim.dt = 1e-30
        for m, (x, y, z) in zip(bodies.mass, bodies.pos):
            self.sim.add(m=m, x=x, y=y, z=z)

    def evaluate(self, theta):
        # A step without length: half a drift, one evaluation, half a drift.
        self.sim.opening_angle2 = theta**2
        self.sim.steps(1)

    def fetch(self, _):
        pos = np.zeros((len(self.bodies), 3))
        self.sim.serialize_particle_data(xyz=pos)
        assert np.array_equal(pos, self.bodies.pos), "the tree has reordered the bodies"
        return np.array([(p.ax, p.ay, p.az) for p in self.sim.particles])

    def shown(self):
        return f"theta {self.setting}, one thread"


class Gala(Code):
    """`DirectNBody` sums over all pairs; each body has a potential, here Plummer's."""

    name = "gala's DirectNBody"
    package = "gala"
    kernel = "plummer"
    settings = [None]
    most = 5_000

    def __init__(self, bodies, given):
        super().__init__(bodies, given)
        import gala.dynamics
        import gala.potential
        from gala.units import dimensionless

        w0 = gala.dynamics.PhaseSpacePosition(pos=bodies.pos.T, vel=bodies.vel.T)
        make = gala.potential.PlummerPotential
        potentials = [make(m=m, b=given.softening, units=dimensionless) for m in bodies.mass]
        self.nbody = gala.dynamics.DirectNBody(w0, potentials, units=dimensionless, save_all=False)

    def evaluate(self, _):
        return np.asarray(self.nbody._nbody_acceleration()).T

    def shown(self):
        return "all pairs, one thread"


class Galpy(Code):
    """`SnapshotRZPotential` lets pynbody sum over all bodies at four azimuths for each body. Their mean is the field of the
    axisymmetric part of the bodies, which is not the force on each body: the error against that is shown."""

    name = "galpy's SnapshotRZPotential"
    package = "galpy"
    kernel = "plummer"
    settings = [None]
    most = 2_000

    def __init__(self, bodies, given):
        super().__init__(bodies, given)
        import pynbody
        from galpy.potential import SnapshotRZPotential

        snapshot = pynbody.new(star=len(bodies))
        snapshot["pos"], snapshot["vel"], snapshot["mass"] = bodies.pos, bodies.vel, bodies.mass
        snapshot["eps"] = np.full(len(bodies), given.softening)
        self.potential = SnapshotRZPotential(snapshot, num_threads=given.threads)

    def evaluate(self, _):
        x, y, z = self.bodies.pos.T
        radius = np.hypot(x, y)
        self.potential._point_hash.clear()  # else it returns what it has computed before
        inward, up = self.potential.Rforce(radius, z, use_physical=False), self.potential.zforce(radius, z, use_physical=False)
        return np.column_stack((inward * x / radius, inward * y / radius, up))

    def shown(self):
        return "all bodies, four azimuths"

    def shown_error(self):
        return f"{self.error:.1e} (another field)"


if __name__ == "__main__":
    main()
