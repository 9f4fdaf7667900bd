"""Expanding universes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Optional

from . import _heorot
from ._arrays import number
from ._units import _KPC, Units

_MEGAPARSEC = 1000.0 * _KPC


@dataclass(frozen=True)
class Cosmology:
    """An expanding universe.

    Parameters
    ----------
    omega_m, omega_lambda : float
        Densities of matter and of dark energy today, in units of the critical density.
    h : float
        Hubble constant today in 100 km/s/Mpc.
    omega_r : float, optional
        Density of radiation today.
    w0, wa : float, optional
        Equation of state of dark energy, ``w(a) = w0 + wa (1 - a)``.

    Examples
    --------
    >>> import heorot
    >>> universe = heorot.Cosmology(omega_m=0.3, omega_lambda=0.7, h=0.7)
    >>> round(universe.time_of(redshift=9), 6)  # the natural logarithm of the scale factor
    -2.302585
    """

    omega_m: float
    omega_lambda: float
    h: float
    omega_r: float = 0.0
    w0: float = -1.0
    wa: float = 0.0

    def __post_init__(self) -> None:
        for name in ("omega_m", "omega_lambda", "h", "omega_r", "w0", "wa"):
            value = number(name, getattr(self, name))
            if not math.isfinite(value):
                raise ValueError(f"{name} = {value}: must be finite")
        if not 0.0 < self.h <= 10.0:
            raise ValueError(f"h = {self.h}: must be above 0 and at most 10")

    @staticmethod
    def time_of(redshift: float) -> float:
        """The natural logarithm of the scale factor, which is the time of simulations.

        Parameters
        ----------
        redshift : float
            Above -1.

        Returns
        -------
        float
        """
        redshift = number("redshift", redshift)
        if not -1.0 < redshift <= 1e6:
            raise ValueError(f"redshift = {redshift}: must be above -1 and at most 1e6")
        return _heorot.log_of_redshift(redshift)

    def _plain(
        self, units: Units, softening: Optional[float] = None, displacement: Optional[float] = None
    ) -> dict[str, Any]:
        """As the compiled part takes it, with the Hubble constant in these units."""
        return {
            "omega_m": float(self.omega_m),
            "omega_lambda": float(self.omega_lambda),
            "omega_r": float(self.omega_r),
            "w0": float(self.w0),
            "wa": float(self.wa),
            "h": float(self.h),
            "hubble": self.h * (1e7 / _MEGAPARSEC * units.time_in_s),
            "softening_max_physical": softening,
            "max_displacement": displacement,
        }
