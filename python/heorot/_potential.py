"""External potentials, which act on bodies and do not feel them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Iterable, Optional, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _heorot
from ._arrays import floats, names_numbers, number, plain_value
from ._units import Units, UnitsLike, units_of

Keys = Mapping[str, Any]

#: What the keys that may be quantities are.
_DIMENSIONS = {
    "mass": "mass",
    "speed": "velocity",
    "velocity": "velocity",
    "pattern_speed": "frequency",
    "angle": "angle",
    "orbit": {"radius": "length", "period": "time", "angle": "angle", "inclination": "angle"},
    "growth": {"start": "time", "duration": "time"},
    "friction": {"dispersion": "velocity"},
    **dict.fromkeys(("scale", "height", "softening", "core", "cut", "radius", "length", "centre"), "length"),
}


class Potential:
    """A sum of external potentials, as the tables ``[[potential]]`` of a parameter file.

    Parameters
    ----------
    potentials : dict or sequence of dict
        Each has the key ``kind`` and those of its kind: point-mass (``mass``, ``softening``), isochrone,
        nfw, hernquist (``mass``, ``scale``), logarithmic (``speed``, ``core``, ``flattening``,
        ``flattening_y``), miyamoto-nagai (``mass``, ``scale``, ``height``), bar (``strength``,
        ``speed``, ``radius``, ``length``), power-law-cutoff (``mass``, ``slope``, ``cut``),
        MWPotential2014 and McMillan2017. Each may have ``centre``, one of ``velocity``, ``orbit`` (a
        dict) and ``track`` (a path), and ``growth`` (a dict); bar and logarithmic may turn
        (``pattern_speed``, ``angle``). The reference of parameter files has formulas and defaults.
    units : Units or {"galactic", "nbody"}, optional
        Units of the values. Without units, G is 1. Quantities of astropy are converted to them.
    G : float, optional
        Gravitational constant, instead of that of the units.
    until : float, optional
        Time at which the orbits of point masses with ``friction`` end. Others act at all times.

    Raises
    ------
    ValueError
        If a key is unknown, missing or out of range. The message names it, such as
        ``potentials.0.mass``.

    Examples
    --------
    >>> import heorot
    >>> halo = heorot.Potential({"kind": "hernquist", "mass": 2.0, "scale": 1.0})
    >>> halo.acceleration([1.0, 0.0, 0.0]).tolist(), halo.potential([1.0, 0.0, 0.0])
    ([-0.5, 0.0, 0.0], -1.0)
    """

    @names_numbers
    def __init__(
        self,
        potentials: Union[Keys, Iterable[Keys]],
        *,
        units: Optional[UnitsLike] = None,
        G: Optional[float] = None,
        until: Any = 0.0,
    ) -> None:
        self.units: Optional[Units] = None if units is None else units_of(units)
        own = 1.0 if self.units is None else self.units.G
        self.G = own if G is None else number("G", G)
        self.until = number("until", until if self.units is None else self.units.strip(until, "time"))
        if isinstance(potentials, str) or not isinstance(potentials, Iterable):
            raise TypeError(f"potentials: must be a dict or a sequence of dicts, not {type(potentials).__name__}")
        given = [potentials] if isinstance(potentials, Mapping) else list(potentials)
        for i, keys in enumerate(given):
            if not isinstance(keys, Mapping):
                raise TypeError(f"potentials.{i}: must be a dict of keys, not {type(keys).__name__}")
        stripped = [_strip(keys, self.units, _DIMENSIONS) for keys in given]
        self._parts = [plain_value(f"potentials.{i}", keys) for i, keys in enumerate(stripped)]
        cgs = None if self.units is None else self.units._cgs
        self._core = _heorot.Potential(json.dumps(self._parts), cgs, self.G, self.until)

    def acceleration(self, pos: ArrayLike, time: Any = 0.0, *, threads: Optional[int] = None) -> NDArray[np.float64]:
        """Compute the acceleration at points.

        Parameters
        ----------
        pos : array_like, shape (n, 3) or (3,)
            The points.
        time : float, optional
            The time.
        threads : int, optional
            Number of threads; all processors by default.

        Returns
        -------
        ndarray, shape (n, 3) or (3,)
        """
        acc: NDArray[np.float64] = self._field(pos, time, threads)[0]
        return acc

    def potential(self, pos: ArrayLike, time: Any = 0.0, *, threads: Optional[int] = None) -> Any:
        """Compute the potential at points.

        Parameters
        ----------
        pos, time, threads
            As for `acceleration`.

        Returns
        -------
        ndarray, shape (n,), or float
        """
        return self._field(pos, time, threads)[1]

    @names_numbers
    def _field(self, pos: Any, time: Any, threads: Optional[int]) -> tuple[Any, Any]:
        if self.units is not None:
            pos, time = self.units.strip(pos, "length"), self.units.strip(time, "time")
        points = floats("pos", pos)
        acc, pot = self._core.field(points[None] if points.ndim == 1 else points, number("time", time), threads)
        return (acc[0], float(pot[0])) if points.ndim == 1 else (acc, pot)

    def __len__(self) -> int:
        return len(self._parts)

    def __repr__(self) -> str:
        return f"<heorot.Potential: {', '.join(str(part['kind']) for part in self._parts)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _potential, (self._parts, self.units, self.G, self.until)


PotentialsLike = Union[Potential, Keys, Iterable[Keys]]


def _potential(parts: list[Keys], units: Optional[Units], G: float, until: float) -> Potential:
    return Potential(parts, units=units, G=G, until=until)


def core_of(
    potentials: Optional[PotentialsLike], units: Optional[Units], G: Optional[float]
) -> Optional[_heorot.Potential]:
    """The compiled potentials of an argument, in these units with this G."""
    if potentials is None:
        return None
    if not isinstance(potentials, Potential):
        return Potential(potentials, units=units, G=G)._core
    constant = G if G is not None else 1.0 if units is None else units.G
    if potentials.units != units or potentials.G != constant:
        raise ValueError(
            f"potentials: have units {potentials.units} and G = {potentials.G}, the bodies {units} and {constant}"
        )
    return potentials._core


def _strip(keys: Keys, units: Optional[Units], dimensions: Mapping[str, Any]) -> dict[str, Any]:
    """The keys without units of astropy."""
    plain: dict[str, Any] = {}
    for key, value in keys.items():
        dimension = dimensions.get(key)
        if isinstance(value, Mapping):
            value = _strip(value, units, dimension if isinstance(dimension, Mapping) else {})
        elif isinstance(dimension, str) and hasattr(value, "unit"):
            if units is None:
                raise ValueError(f"potentials: {key} has a unit, so units are needed")
            value = units.strip(value, dimension)
        plain[key] = value
    return plain
