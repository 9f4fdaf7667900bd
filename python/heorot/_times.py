"""Times at which states of a simulation are wanted."""

from __future__ import annotations

import math
from typing import Any, Optional

import numpy as np

from . import _heorot
from ._cosmology import Cosmology
from ._units import Units


def times_of(name: str, given: Any, units: Optional[Units], expands: bool, until: Optional[float]) -> list[float]:
    """The times of the list `given`, which ascend and are not after `until`.

    The name of the list is at, redshifts or scale_factors. In an expanding universe times are logarithms of the
    scale factor.
    """
    values = list(given) if np.iterable(given) else [given]
    if name == "at" and units is not None:
        values = [units.strip(value, "time") for value in values]
    for i, value in enumerate(values):
        try:
            values[i] = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{name}: {value!r} is no number") from None
    if not values:
        raise ValueError(f"{name}: holds no times")
    if name != "at" and not expands:
        raise ValueError(f"{name}: goes with an expanding universe; use at")
    if name == "redshifts":
        times = [Cosmology.time_of(value) for value in values]
    elif name == "scale_factors":
        if not all(0.0 < value < math.inf for value in values):
            raise ValueError("scale_factors: must be above 0 and finite")
        times = [_heorot.log_of_scale_factor(value) for value in values]
    else:
        times = values
    for i, time in enumerate(times):
        if not math.isfinite(time):
            raise ValueError(f"{name}: {values[i]} is no time")
        if i > 0 and time <= times[i - 1]:
            raise ValueError(f"{name}: {values[i]} follows {values[i - 1]}; times must increase")
        if until is not None and time > float(until):
            raise ValueError(f"{name}: {values[i]} is after until, the end of the run")
    return times
