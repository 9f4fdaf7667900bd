"""Bodies and comparisons of several tests."""

import base64
import json
import re

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


def description_of(page):
    """What the script of a page reads first."""
    return json.loads(re.search('id="description">(.*)</script>', page.html)[1])


def decode(page, frame=0):
    """Positions in the cube, speeds and types of the bodies of a page, as its script reads them."""
    def data(name):
        text = re.search(f'<script type="application/base64" id="{name}">([^<]*)</script>', page.html)[1]
        return np.frombuffer(base64.b64decode(text), dtype=np.uint8)

    kinds, numbers = data("kinds"), data(f"frames/{frame}/0")
    n = len(kinds)
    assert len(numbers) == 10 * n
    high = numbers[: 6 * n].view("<u2").reshape(n, 3).astype(np.uint32)
    low, speed = numbers[6 * n : 9 * n].reshape(n, 3), numbers[9 * n :]
    return ((high << 8) + low) / (2**24 - 1), speed, kinds
