"""Units of length, mass and velocity, and quantities of astropy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Union

from . import _heorot
from ._arrays import number

#: kpc, 1e10 solar masses, as the program defines them.
_KPC = 3.0856775814913673e21
_TEN_BILLION_SUNS = 1.988409870698051e43


@dataclass(frozen=True)
class Units:
    """Units in cgs; the unit of time is that of length over that of velocity.

    Parameters
    ----------
    length_in_cm, mass_in_g, velocity_in_cm_per_s : float
        The units.

    Notes
    -----
    ``Units.GALACTIC`` has kpc, 1e10 solar masses and km/s; ``Units.NBODY`` has the same length and
    mass, and the velocity for which G = 1. Functions take their names, too: ``"galactic"`` and
    ``"nbody"``.
    """

    GALACTIC: ClassVar[Units]
    NBODY: ClassVar[Units]
    length_in_cm: float
    mass_in_g: float
    velocity_in_cm_per_s: float

    def __post_init__(self) -> None:
        for name in ("length_in_cm", "mass_in_g", "velocity_in_cm_per_s"):
            value = number(name, getattr(self, name))
            if not 0.0 < value < float("inf"):
                raise ValueError(f"{name} = {value}: must be above 0 and finite")

    @property
    def G(self) -> float:
        """The gravitational constant in these units."""
        return _heorot.gravitational_constant(self._cgs)

    @property
    def time_in_s(self) -> float:
        """The unit of time in seconds."""
        return self.length_in_cm / self.velocity_in_cm_per_s

    @property
    def _cgs(self) -> tuple[float, float, float]:
        return (self.length_in_cm, self.mass_in_g, self.velocity_in_cm_per_s)

    def strip(self, value: Any, dimension: str) -> Any:
        """Convert a quantity of astropy to a plain number or array in these units.

        Parameters
        ----------
        value : quantity, array or number
            What has no unit is returned as it is.
        dimension : {"length", "mass", "velocity", "time", "frequency", "angle"}
            What the value is.

        Returns
        -------
        array or number
        """
        unit = getattr(value, "unit", None)
        if unit is None or not hasattr(value, "to_value"):
            return value
        from astropy import units as u  # a quantity has come, so astropy is there

        bases = {
            "length": self.length_in_cm * u.cm,
            "mass": self.mass_in_g * u.g,
            "velocity": self.velocity_in_cm_per_s * u.cm / u.s,
            "time": self.time_in_s * u.s,
            "frequency": 1.0 / (self.time_in_s * u.s),
            "angle": 1.0 * u.deg,
        }
        turns = u.dimensionless_angles() if dimension == "frequency" else []
        try:
            return (value / bases[dimension]).to_value(u.dimensionless_unscaled, turns)
        except u.UnitConversionError:
            raise ValueError(f"a {dimension} is wanted, not a value in {unit}") from None


_NAMED = {
    "galactic": Units(_KPC, _TEN_BILLION_SUNS, 1e5),
    "nbody": Units(_KPC, _TEN_BILLION_SUNS, 20738652.969844206),
}
Units.GALACTIC = _NAMED["galactic"]
Units.NBODY = _NAMED["nbody"]

UnitsLike = Union[Units, str]


def units_of(units: UnitsLike) -> Units:
    """The units of this name, or the units themselves."""
    if isinstance(units, Units):
        return units
    try:
        return _NAMED[units]
    except (KeyError, TypeError):
        raise ValueError(f"units = {units!r}: must be Units, 'galactic' or 'nbody'") from None


def is_quantity(value: Any) -> bool:
    """Whether a value has a unit of astropy."""
    return hasattr(value, "unit") and hasattr(value, "to_value")
