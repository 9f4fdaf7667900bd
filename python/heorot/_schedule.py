"""What steps a run goes, and when its states are wanted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import Any, Iterator, Optional, Union

import numpy as np

from . import _heorot
from ._arrays import number
from ._cosmology import Cosmology
from ._units import Units

#: Length of a step, time at its end, and whether a state is wanted there.
Step = tuple[float, float, bool]
#: The interval of states, or their times; None for the end alone.
Outputs = Optional[Union[float, list[float]]]


@dataclass(frozen=True)
class Plan:
    """The steps of a run that are left."""

    steps: Iterator[Step]
    #: Whether the state before the first step is wanted.
    at_once: bool = False
    #: Start, end and outputs, by which a run with the same arguments is recognised; None to keep those of before.
    schedule: Optional[_heorot.Schedule] = None


def requested(
    units: Optional[Units], expands: bool, until: Any, every: Any, lists: dict[str, Any]
) -> tuple[float, Outputs]:
    """The end and the outputs that the arguments of a run ask for. `lists` has at, redshifts and scale_factors."""
    if units is not None:
        until, every = units.strip(until, "time"), units.strip(every, "time")
    given = {name: values for name, values in lists.items() if values is not None}
    if len(given) + (every is not None) > 1:
        raise ValueError("give one of every, at, redshifts and scale_factors")
    times: list[float] = []
    until = None if until is None else number("until", until)
    for name, values in given.items():
        times = times_of(name, values, units, expands, until)
    if until is None and not times:
        raise ValueError("give until, the time of the end, or at, the times of the states")
    return times[-1] if until is None else until, times or (None if every is None else number("every", every))


def plan_of(
    core: _heorot.Simulation,
    known: Optional[_heorot.Schedule],
    longest: Optional[float],
    until: float,
    outputs: Outputs,
) -> Plan:
    """The steps from the time of a simulation to `until`, none longer than `longest`.

    A run with the arguments of the `known` one goes on with its steps.
    """
    part = core.part
    time = core.time if part is None else part[1]
    start = time
    if known is not None and known[1:] == (until, outputs) and known[0] <= time:
        start = known[0]
    if part is not None and until <= time:
        return Plan(iter([(*part, True)]))
    if known is not None and start == known[0] and time >= until:
        return Plan(iter(()))
    times = outputs if isinstance(outputs, list) else []
    if times and times[0] < start:
        raise ValueError(f"the time {times[0]} is before {start}, that of the simulation")
    at_once = part is None and start == core.time and start in times[:1]
    if at_once and until == start:
        return Plan(iter(()), at_once)
    if longest is None:
        longest = outputs if isinstance(outputs, float) else until - start
        if longest <= 0.0:
            raise ValueError(f"until = {until}: must be after {start}, the time of the simulation")
    core.check_span(core.time, until)
    left: Iterator[Step] = _heorot.steps(start, until, longest, outputs, time)
    if part is not None:
        # The step under way comes to its end as it has begun; an output may be due there.
        whole = _heorot.steps(start, until, longest, outputs, core.time) if start <= core.time else iter(())
        first = next(whole, None)
        is_due = first is not None and first[1] == time and first[2]
        left = chain([(*part, is_due)], left)
    return Plan(left, at_once, (start, until, outputs))


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
        if until is not None and time > until:
            raise ValueError(f"{name}: {values[i]} is after until, the end of the run")
    return times
