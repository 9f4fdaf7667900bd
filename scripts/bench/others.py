"""Other installable codes on the bodies of a problem: accelerations and times. Imported only when
they run."""

import ctypes
import time
from importlib.metadata import version

import h5py
import numpy as np


def bodies(problem):
    """Positions, masses, in the order of the ids."""
    with h5py.File(problem.source) as file:
        group = file["PartType1"]
        order = np.argsort(group["ParticleIDs"][:])
        return group["Coordinates"][:][order], group["Masses"][:][order]


def sample_and_exact(position, mass, count):
    """Indices of random bodies, and their accelerations by direct summation in double precision, G
    = 1."""
    sample = np.random.default_rng(1).choice(len(mass), size=min(count, len(mass)), replace=False)
    exact = np.empty((len(sample), 3))
    for row, body in enumerate(sample):
        offset = position - position[body]
        square = np.einsum("ij,ij->i", offset, offset)
        square[body] = np.inf
        exact[row] = (mass / (square * np.sqrt(square))) @ offset
    return sample, exact


def error(found, exact):
    """Relative errors: rms and 99th percentile."""
    relative = np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1)
    return {"rms": float(np.sqrt(np.mean(relative**2))), "percentile_99": float(np.quantile(relative, 0.99))}


class Pytreegrav:
    """The tree of pytreegrav. It is compiled at its first call, which is not measured."""

    def __init__(self, position, mass, theta, quadrupole, threads):
        import numba
        import pytreegrav

        self.set_threads = lambda: numba.set_num_threads(threads)
        self.call = lambda: pytreegrav.Accel(
            position, mass, theta=theta, quadrupole=quadrupole, parallel=threads > 1, method="tree"
        )
        self.name = f"pytreegrav {version('pytreegrav')}, theta {theta}" + (", quadrupoles" if quadrupole else "")
        self.threads = threads

    def evaluate(self):
        self.set_threads()  # one setting for the whole process
        begun = time.perf_counter()
        acceleration = self.call()
        return time.perf_counter() - begun, acceleration


class Rebound:
    """The tree of REBOUND with monopoles, by the C function that a step calls. The packaged library
    has no threads."""

    threads = 1

    def __init__(self, position, mass, theta):
        import rebound

        self.library, self.bodies = rebound.clibrebound, len(mass)
        self.simulation = rebound.Simulation()
        self.simulation.G = 1.0
        for (x, y, z), m in zip(position.tolist(), mass.tolist()):
            self.simulation.add(m=m, x=x, y=y, z=z)
        self.simulation.gravity = "tree"
        self.simulation.opening_angle2 = theta**2
        self.simulation.root_size = 2.1 * float(np.abs(position).max())
        self.name = f"REBOUND {rebound.__version__}, theta {theta}"

    def evaluate(self):
        begun = time.perf_counter()
        self.library.reb_simulation_update_acceleration(ctypes.byref(self.simulation))
        took = time.perf_counter() - begun
        return took, self.accelerations()

    def accelerations(self):
        """A copy of the accelerations in the array of C structures, which keeps the order in which
        bodies were added."""
        import rebound

        width = ctypes.sizeof(rebound.Particle) // 8
        first = rebound.Particle.ax.offset // 8
        pointer = ctypes.cast(self.simulation._particles, ctypes.POINTER(ctypes.c_double))
        return np.ctypeslib.as_array(pointer, shape=(self.bodies, width))[:, first : first + 3].copy()
