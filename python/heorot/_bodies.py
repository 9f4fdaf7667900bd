"""Bodies at one time."""

from __future__ import annotations

import math
from typing import Any, Optional

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _heorot
from ._arrays import floats, number
from ._cosmology import Cosmology
from ._units import Units, UnitsLike, is_quantity, units_of


class Bodies:
    """Bodies at one time, as arrays with a row for each.

    Parameters
    ----------
    pos : array_like, shape (n, 3)
        Positions.
    mass : array_like, shape (n,)
        Masses. A body of mass 0 feels the others and does not attract.
    vel : array_like, shape (n, 3), optional
        Velocities; zero by default.
    id : array_like of int, shape (n,), optional
        Unique names; 0, 1, 2 and so on by default.
    type : array_like of int, shape (n,), optional
        Particle types as in GADGET: 0 gas, 1 halo, 2 disc, 3 bulge, 4 stars, 5 other; 1 by default.
    time : float, optional
        The time of the bodies.
    units : Units or {"galactic", "nbody"}, optional
        Their units. Without units, G is 1. Quantities of astropy are converted to them; the default
        for quantities is "galactic".
    box : float, optional
        Side of a periodic box, whose corner is the origin.
    cosmology : Cosmology, optional
        The expanding universe of the bodies. Then positions are comoving, velocities are peculiar
        ones, ``a dx/dt``, and the time is the natural logarithm of the scale factor a.
    redshift : float, optional
        Redshift of the bodies in an expanding universe, instead of the time.

    Attributes
    ----------
    pos, vel, mass, id, type : ndarray
        The arrays.
    acc, pot : ndarray or None
        Accelerations and potentials, of bodies that come from a simulation; in an expanding universe
        those of the masses at their comoving positions.
    time : float
    units : Units or None
    box : float or None
    cosmology : Cosmology or None
    scale_factor : float or None
        Scale factor of an expanding universe.
    """

    pos: NDArray[Any]
    mass: NDArray[Any]
    vel: NDArray[Any]
    id: NDArray[np.uint64]
    type: NDArray[np.uint8]
    acc: Optional[NDArray[Any]]
    pot: Optional[NDArray[Any]]
    #: Of a simulation: copies of its columns are made when they are first asked for.
    _moment: Optional[_heorot.Moment] = None

    def __init__(
        self,
        pos: ArrayLike,
        mass: ArrayLike,
        vel: Optional[ArrayLike] = None,
        *,
        id: Optional[ArrayLike] = None,
        type: Optional[ArrayLike] = None,
        time: Any = 0.0,
        units: Optional[UnitsLike] = None,
        box: Any = None,
        cosmology: Optional[Cosmology] = None,
        redshift: Optional[float] = None,
    ) -> None:
        if units is None and any(map(is_quantity, (pos, mass, vel, time, box))):
            units = "galactic"
        self.units: Optional[Units] = None if units is None else units_of(units)
        if self.units is not None:
            box = self.units.strip(box, "length")
            pos, mass = self.units.strip(pos, "length"), self.units.strip(mass, "mass")
            vel, time = self.units.strip(vel, "velocity"), self.units.strip(time, "time")
        self.pos, self.mass = floats("pos", pos), floats("mass", mass)
        n = len(self.mass) if self.mass.ndim == 1 else -1
        if self.mass.ndim != 1:
            raise ValueError(f"mass has the shape {self.mass.shape}: must be (bodies,)")
        if self.pos.shape != (n, 3):
            raise ValueError(f"pos has the shape {self.pos.shape}: must be ({n}, 3), as there are {n} masses")
        self.vel = np.zeros((n, 3)) if vel is None else floats("vel", vel)
        if self.vel.shape != (n, 3):
            raise ValueError(f"vel has the shape {self.vel.shape}: must be ({n}, 3), as there are {n} masses")
        self.id = np.arange(n, dtype=np.uint64) if id is None else _whole("id", id, n, np.uint64)
        self.type = np.ones(n, dtype=np.uint8) if type is None else _whole("type", type, n, np.uint8)
        if n > 0 and self.type.max() > 5:
            raise ValueError(f"type: {self.type.max()} is none, must be from 0 to 5")
        self.acc = None
        self.pot = None
        self.time = number("time", time)
        self.box: Optional[float] = None if box is None else number("box", box)
        if self.box is not None and not 0.0 < self.box < float("inf"):
            raise ValueError(f"box = {self.box}: must be above 0 and finite")
        self.cosmology = cosmology
        self.scale_factor: Optional[float] = None
        if redshift is not None:
            redshift = number("redshift", redshift)
            if not -1.0 < redshift <= 1e6:
                raise ValueError(f"redshift = {redshift}: must be above -1 and at most 1e6")
            self.scale_factor = 1.0 / (1.0 + redshift)
            self.time = _heorot.log_of_scale_factor(self.scale_factor)
        elif cosmology is not None:
            self.scale_factor = math.exp(self.time)

    @property
    def redshift(self) -> Optional[float]:
        """The redshift in an expanding universe."""
        return None if self.scale_factor is None else 1.0 / self.scale_factor - 1.0

    @property
    def G(self) -> float:
        """The gravitational constant in the units of the bodies; 1 without units."""
        return 1.0 if self.units is None else self.units.G

    def __len__(self) -> int:
        moment = self._moment
        return len(self.mass) if moment is None else len(moment)

    def __getattr__(self, name: str) -> Any:
        # Called only if there is no such attribute.
        moment = self._moment
        if moment is None or name not in _COLUMNS:
            raise AttributeError(f"{self.__class__.__name__!r} object has no attribute {name!r}")
        self.__dict__[name] = moment.column(name)
        left = [column for column in _COLUMNS if column not in self.__dict__]
        if moment.is_past:  # it has a copy of all columns, which is freed
            for column in left:
                self.__dict__[column] = moment.column(column)
            left = []
        if not left:
            self._moment = None
        return self.__dict__[name]

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_COLUMNS})

    def __getstate__(self) -> dict[str, Any]:
        if self._moment is not None:
            for column in _COLUMNS:
                getattr(self, column)
        return self.__dict__

    def __repr__(self) -> str:
        return f"<heorot.Bodies: {len(self)} at time {self.time:g}>"

    def __getitem__(self, rows: Any) -> Bodies:
        """The bodies of these rows: a slice, a mask or indices."""
        some = Bodies(
            np.atleast_2d(self.pos[rows]),
            np.atleast_1d(self.mass[rows]),
            np.atleast_2d(self.vel[rows]),
            id=np.atleast_1d(self.id[rows]),
            type=np.atleast_1d(self.type[rows]),
            time=self.time,
            units=self.units,
            box=self.box,
            cosmology=self.cosmology,
        )
        some.scale_factor = self.scale_factor
        some.acc = None if self.acc is None else np.atleast_2d(self.acc[rows])
        some.pot = None if self.pot is None else np.atleast_1d(self.pot[rows])
        return some

    def _columns(self) -> dict[str, Any]:
        n = len(self.mass)
        return {  # the caller may have replaced arrays
            "mass": floats("mass", self.mass),
            "pos": floats("pos", self.pos),
            "vel": floats("vel", self.vel),
            "id": self.id if _is(self.id, np.uint64) else _whole("id", self.id, n, np.uint64),
            "kind": self.type if _is(self.type, np.uint8) else _whole("type", self.type, n, np.uint8),
        }

    @classmethod
    def _of(cls, columns: dict[str, Any], time: float, units: Optional[Units], **space: Any) -> Bodies:
        bodies = cls(
            columns["pos"],
            columns["mass"],
            columns["vel"],
            id=columns["id"],
            type=columns["type"],
            time=time,
            units=units,
            **space,
        )
        bodies.acc, bodies.pot = columns.get("acc"), columns.get("pot")
        return bodies

    @classmethod
    def _at(cls, moment: _heorot.Moment, time: float, units: Optional[Units], **space: Any) -> Bodies:
        """The bodies of a simulation."""
        bodies = cls.__new__(cls)
        bodies._moment, bodies.time, bodies.units = moment, time, units
        bodies.box, bodies.cosmology, bodies.scale_factor = (space[key] for key in ("box", "cosmology", "scale_factor"))
        return bodies


_COLUMNS = ("pos", "mass", "vel", "id", "type", "acc", "pot")


def expect_bodies(bodies: Any) -> None:
    """Fail if something else was given."""
    if not isinstance(bodies, Bodies):
        raise TypeError(f"bodies: must be Bodies, not {type(bodies).__name__}")


def _is(value: Any, dtype: Any) -> bool:
    return type(value) is np.ndarray and value.dtype == dtype


def _whole(name: str, value: ArrayLike, n: int, dtype: Any) -> NDArray[Any]:
    array = np.asarray(value)
    if array.shape != (n,):
        raise ValueError(f"{name} has the shape {array.shape}: must be ({n},), as there are {n} masses")
    if array.dtype.kind not in "iu" and n > 0:
        raise ValueError(f"{name} has the dtype {array.dtype}: must be whole numbers")
    limits = np.iinfo(dtype)
    if n > 0 and (int(array.min()) < limits.min or int(array.max()) > limits.max):
        raise ValueError(f"{name}: must be from {limits.min} to {limits.max}")
    return array.astype(dtype, copy=False)
