"""Compares heorot, pytreegrav and REBOUND at one measured force error, in one run.

    python python/benchmarks/compare.py --bodies 20000 --error 1e-3

Each code's opening parameter is lowered until its rms force error, against direct sums of heorot on
a sample, is not above the wanted one. Then evaluations of all codes take turns. Needs numpy, heorot,
pytreegrav and rebound. Prints a table in Markdown.
"""

import argparse
import os
import time

import numpy as np

import heorot


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bodies", type=int, default=20_000)
    parser.add_argument("--error", type=float, default=1e-3)
    parser.add_argument("--softening", type=float, default=0.01)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    given = parser.parse_args()

    bodies = heorot.model("plummer", bodies=given.bodies, seed=1, units="nbody")
    codes = [Heorot(bodies, given)]
    for code in (PyTreeGrav, Rebound):
        try:
            codes.append(code(bodies, given))
        except ImportError as missing:
            print(f"left out: {missing}")
    for code in codes:
        code.reach(given.error)
    seconds = {code.name: [] for code in codes}
    for _ in range(given.repeat):
        for code in codes:
            begun = time.perf_counter()
            code.evaluate(code.setting)
            seconds[code.name].append(time.perf_counter() - begun)
    fastest = min(seconds[codes[0].name])
    print(f"{given.bodies} bodies of a Plummer sphere, softening {given.softening}, {given.threads} threads, "
          f"least of {given.repeat} interleaved evaluations; load {os.getloadavg()[0]:.1f}\n")
    print("| code | setting | rms force error | seconds | relative |\n|---|---|---|---|---|")
    for code in codes:
        least = min(seconds[code.name])
        print(f"| {code.name} | {code.shown()} | {code.error:.1e} | {least:.3g} | {least / fastest:.1f} |")


class Code:
    """A code whose force error falls with its setting."""

    settings = [1.2, 1.0, 0.85, 0.7, 0.6, 0.5, 0.42, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1, 0.07, 0.05]

    def __init__(self, bodies, given):
        self.bodies, self.given = bodies, given
        self.exact = {}

    def reach(self, wanted):
        """Takes the largest setting whose error is not above the wanted one."""
        for self.setting in self.settings:
            self.error = self.measure(self.evaluate(self.setting))
            if self.error <= wanted:
                return

    def measure(self, acc):
        exact = self.field()
        error = np.linalg.norm(acc - exact, axis=1) / np.linalg.norm(exact, axis=1)
        return np.sqrt((error**2).mean())

    def field(self):
        """Exact accelerations with this code's shape of softening."""
        if self.kernel not in self.exact:
            self.exact[self.kernel] = heorot.direct(
                self.bodies.pos, self.bodies.mass, softening=self.length, kernel=self.kernel
            )[0]
        return self.exact[self.kernel]

    kernel = "spline"

    @property
    def length(self):
        return self.given.softening

    def shown(self):
        return f"theta {self.setting}"


class Heorot(Code):
    name = "heorot"

    def evaluate(self, _):
        return heorot.accelerations(
            self.bodies.pos,
            self.bodies.mass,
            softening=self.length,
            accuracy=self.given.error,
            threads=self.given.threads,
        )[0]

    def shown(self):
        return f"accuracy {self.given.error:g}"


class PyTreeGrav(Code):
    """Its softening is the support of the same spline."""

    name = "pytreegrav"

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


class Rebound(Code):
    """Its tree has monopoles (or quadrupoles if it was compiled so), and Plummer softening."""

    name = "REBOUND tree"
    kernel = "plummer"

    def __init__(self, bodies, given):
        super().__init__(bodies, given)
        import rebound

        self.sim = rebound.Simulation()
        self.sim.configure_box(4.0 * np.abs(bodies.pos).max())
        self.sim.gravity, self.sim.integrator = "tree", "leapfrog"
        self.sim.boundary, self.sim.softening = "open", given.softening
        for m, (x, y, z) in zip(bodies.mass, bodies.pos):
            self.sim.add(m=m, x=x, y=y, z=z)

    def evaluate(self, theta):
        # Two half drifts of no length around one evaluation.
        self.sim.opening_angle2, self.sim.dt = theta**2, 1e-30
        self.sim.step()
        acc = np.empty((len(self.bodies), 3))
        for i, p in enumerate(self.sim.particles):
            acc[i] = p.ax, p.ay, p.az
        return acc


if __name__ == "__main__":
    main()
