"""Forces of bodies in one call."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _heorot
from ._arrays import floats, names_numbers, number, optional_number
from ._potential import PotentialsLike, core_of
from ._units import UnitsLike, is_quantity, units_of

Softening = Union[float, Sequence[float], Mapping[Any, float]]
_SINGLE = np.dtype(np.float32)


def plain_lengths(system: Any, softening: Any) -> Any:
    """Softening lengths as plain numbers in a system of units."""
    if isinstance(softening, Mapping):
        return {types: system.strip(length, "length") for types, length in softening.items()}
    return system.strip(softening, "length")


@names_numbers
def accelerations(
    pos: ArrayLike,
    mass: ArrayLike,
    *,
    softening: Softening = 0.0,
    accuracy: Optional[float] = None,
    accuracy_of: Optional[str] = None,
    theta: Optional[float] = None,
    tolerance: Optional[float] = None,
    order: Optional[int] = None,
    walk: Optional[str] = None,
    kernel: Optional[str] = None,
    box: Optional[float] = None,
    G: Optional[float] = None,
    units: Optional[UnitsLike] = None,
    potentials: Optional[PotentialsLike] = None,
    time: Any = 0.0,
    allow_missed: bool = False,
    threads: Optional[int] = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Compute accelerations and potentials of bodies.

    Parameters
    ----------
    pos : array_like, shape (n, 3)
        Positions: float64 or float32, in C or Fortran order. What is neither is converted.
    mass : array_like, shape (n,)
        Masses, 0 or above. A body of mass 0 feels the others and does not attract.
    softening : float, sequence of 6 floats or dict, optional
        Plummer-equivalent softening length: one for all bodies, or for a simulation one for each
        particle type. A dict has lengths by name of type, and of pairs of types, as
        ``{"stars": 0.1, "other": 0.1, ("stars", "other"): 0.01}``. Types that it lacks are not
        softened. Without a length of its own, a pair uses the larger of two (spline).
    accuracy : float, optional
        Wanted force error: the root mean square of ``|a - a_direct| / |a_direct|``. The settings are
        chosen for it, measured by direct sums on a sample, and corrected. The default is 1e-3,
        unless `theta`, `tolerance` or `order` is given.
    accuracy_of : {"self-gravity", "total"}, optional
        What the error is relative to: the gravity of the bodies, the default, or that of the bodies
        and of all `potentials` together. The latter asks for less in a strong external field.
    theta : float, optional
        Opening angle (Barnes & Hut), above 0 and at most 1.
    tolerance : float, optional
        Error allowed for one cell, as a fraction of the acceleration.
    order : int, optional
        Order of the multipole expansion, from 1 to 6.
    walk : {"fmm", "tree", "direct"}, optional
        Cells act on cells, cells act on bodies, or all bodies on all.
    kernel : {"spline", "plummer"}, optional
        Shape of the softened force.
    box : float, optional
        Side of a periodic box, whose corner is the origin. Bodies outside count as their images
        inside. The mean density attracts nothing.
    G : float, optional
        Gravitational constant. The default is 1, or that of `units`.
    units : Units or {"galactic", "nbody"}, optional
        Units of the arrays and of the results. Quantities of astropy are converted to them; the
        default for quantities is "galactic".
    potentials : Potential, dict or sequence of dict, optional
        External potentials, whose field is added: see `heorot.Potential`. They do not go with a box.
    time : float, optional
        Time of the external potentials.
    allow_missed : bool, optional
        Whether to go on if no tolerance gives the wanted accuracy.
    threads : int, optional
        Number of threads; all processors by default. Up to 256 bodies are computed by one thread.

    Returns
    -------
    acc : ndarray, shape (n, 3)
        Accelerations, in the order of `pos` and with its dtype.
    pot : ndarray, shape (n,)
        Specific potentials.

    Raises
    ------
    ValueError
        If shapes differ, a number is not finite, a mass is negative, or a setting is out of range.

    Examples
    --------
    >>> import heorot
    >>> acc, pot = heorot.accelerations([[0, 0, 0], [2, 0, 0]], [1, 4])
    >>> acc.round(6).tolist()
    [[1.0, 0.0, 0.0], [-0.25, 0.0, 0.0]]
    """
    # Plain arrays and numbers, the usual case, are not asked for units: that takes microseconds.
    plain = type(pos) is np.ndarray and type(mass) is np.ndarray and type(softening) in (float, int) and not hasattr(box, "unit")
    lengths = softening.values() if isinstance(softening, Mapping) else [softening]
    system = None
    if units is not None or not plain and any(map(is_quantity, (pos, mass, box, *lengths))):
        system = units_of("galactic" if units is None else units)
        pos, mass = system.strip(pos, "length"), system.strip(mass, "mass")
        softening, box = plain_lengths(system, softening), system.strip(box, "length")
        time = system.strip(time, "time")
    external = None if potentials is None else core_of(potentials, system, G)
    if G is None:
        G = 1.0 if system is None else system.G
    G, box = number("G", G), optional_number("box", box)
    pos, mass = floats("pos", pos), floats("mass", mass)
    settings = _heorot.Settings(
        softening, kernel, accuracy, accuracy_of, theta, tolerance, order, walk, G, allow_missed, box, external, None
    )
    acc, pot, _ = _heorot.accelerations(pos, mass, settings, time, pos.dtype == _SINGLE, threads)
    return acc, pot


def potential(pos: ArrayLike, mass: ArrayLike, **how: Any) -> NDArray[Any]:
    """Compute the specific potential of each body.

    Parameters
    ----------
    pos, mass : array_like
        As for `accelerations`.
    **how
        The keyword arguments of `accelerations`.

    Returns
    -------
    ndarray, shape (n,)
    """
    return accelerations(pos, mass, **how)[1]


@names_numbers
def direct(
    pos: ArrayLike,
    mass: ArrayLike,
    *,
    softening: Softening = 0.0,
    kernel: Optional[str] = None,
    box: Optional[float] = None,
    G: Optional[float] = None,
    units: Optional[UnitsLike] = None,
    potentials: Optional[PotentialsLike] = None,
    time: Any = 0.0,
    threads: Optional[int] = None,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Compute accelerations and potentials exactly, by summing over all pairs in double precision.

    Parameters
    ----------
    pos, mass, softening, kernel, box, G, units, potentials, time, threads
        As for `accelerations`.

    Returns
    -------
    acc : ndarray, shape (n, 3)
    pot : ndarray, shape (n,)
    """
    return accelerations(
        pos,
        mass,
        softening=softening,
        kernel=kernel,
        box=box,
        G=G,
        units=units,
        potentials=potentials,
        time=time,
        threads=threads,
        walk="direct",
    )
