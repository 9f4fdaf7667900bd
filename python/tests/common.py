"""Bodies and comparisons of several tests."""

import numpy as np

import heorot


def cloud(n, seed=1):
    """Places and masses."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)), rng.uniform(0.5, 1.5, n) / n


def plummer(n=300, **keys):
    return heorot.model("plummer", bodies=n, seed=1, units="nbody", **keys)


def simulation(timestep="fixed", **keys):
    return heorot.Simulation(plummer(), softening=0.05, step=0.02, timestep=timestep, **keys)


def same(a, b):
    """Fail unless bodies have the same bits in all columns."""
    for name in ("pos", "vel", "mass", "id", "type", "acc", "pot"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
