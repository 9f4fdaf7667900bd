"""Neighbours, haloes and radial profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _heorot
from ._arrays import Floats, floats, names_numbers, number, optional_number
from ._bodies import Bodies, expect_bodies


@names_numbers
def neighbours(
    pos: ArrayLike, k: int, *, box: Optional[float] = None, threads: Optional[int] = None
) -> tuple[Floats, NDArray[np.int64]]:
    """Find the nearest neighbours of each body.

    Parameters
    ----------
    pos : array_like, shape (n, 3)
        Positions.
    k : int
        Number of neighbours; the body itself is none.
    box : float, optional
        Side of a periodic box, whose corner is the origin. The distance to a body is that to its
        nearest image.
    threads : int, optional
        Number of threads.

    Returns
    -------
    distances : ndarray, shape (n, k)
        Nearest first.
    indices : ndarray of int, shape (n, k)
        Rows of `pos`.

    Examples
    --------
    >>> import heorot
    >>> distances, indices = heorot.neighbours([[0, 0, 0], [1, 0, 0], [3, 0, 0]], 1)
    >>> indices.ravel().tolist()
    [1, 0, 1]
    """
    return _heorot.neighbours(floats("pos", pos), k, box, threads)


@dataclass(frozen=True)
class Halos:
    """Haloes, that with most members first.

    Attributes
    ----------
    members : ndarray of int
        Number of bodies.
    mass, radius, half_mass_radius, dispersion : ndarray
        Mass; distance of the outermost body and that which encloses half of the mass, from the
        centre of mass; velocity dispersion in one dimension.
    pos, vel : ndarray, shape (haloes, 3)
        Position and velocity of the centre of mass.
    of : ndarray of int, shape (n,)
        The halo of each body, -1 for none.
    linking_length : float
        Friends are not farther from each other.
    """

    members: NDArray[np.int64]
    mass: Floats
    radius: Floats
    half_mass_radius: Floats
    dispersion: Floats
    pos: Floats
    vel: Floats
    of: NDArray[np.int64]
    linking_length: float

    def __len__(self) -> int:
        return len(self.members)


@names_numbers
def halos(
    bodies: Bodies,
    *,
    linking: float = 0.2,
    linking_length: Optional[float] = None,
    min_members: int = 32,
    box: Optional[float] = None,
    threads: Optional[int] = None,
) -> Halos:
    """Find friends-of-friends haloes.

    Parameters
    ----------
    bodies : Bodies
    linking : float, optional
        Linking length in mean separations of the bodies.
    linking_length : float, optional
        Linking length itself.
    min_members : int, optional
        Least number of bodies of a halo.
    box : float, optional
        Side of a periodic box, whose corner is the origin. Bodies are linked across its faces. By
        default that of the bodies, if they have one.
    threads : int, optional
        Number of threads.

    Returns
    -------
    Halos
    """
    expect_bodies(bodies)
    side = bodies.box if box is None else number("box", box)
    linking, absolute = number("linking", linking), optional_number("linking_length", linking_length)
    length, columns, of = _heorot.halos(bodies._columns(), linking, absolute, min_members, side, threads)
    return Halos(of=of, linking_length=length, **columns)


@dataclass(frozen=True)
class Profile:
    """Spherical shells about a centre; means are weighted by mass.

    Attributes
    ----------
    inner, outer, radius : ndarray
        Radii of each shell: inner, outer, and their geometric mean.
    bodies, mass, enclosed, density : ndarray
        Number of bodies, mass, mass within the outer radius, density.
    dispersion, anisotropy, rotation : ndarray
        Velocity dispersion in one dimension, anisotropy, and mean azimuthal velocity about the
        axis of rotation of the inner bodies (disc, bulge and stars, if there are any).
    circular_speed : ndarray
        Speed of a circular orbit at the outer radius.
    centre, velocity : ndarray, shape (3,)
        The centre, and its velocity.
    """

    inner: Floats
    outer: Floats
    radius: Floats
    bodies: Floats
    mass: Floats
    enclosed: Floats
    density: Floats
    dispersion: Floats
    anisotropy: Floats
    rotation: Floats
    circular_speed: Floats
    centre: Floats
    velocity: Floats

    def __len__(self) -> int:
        return len(self.radius)


@names_numbers
def profile(
    bodies: Bodies,
    *,
    shells: int = 30,
    radius: Optional[Sequence[float]] = None,
    centre: Optional[Any] = None,
    G: Optional[float] = None,
    threads: Optional[int] = None,
) -> Profile:
    """Measure radial profiles, as ``heorot plot profile`` does.

    Parameters
    ----------
    bodies : Bodies
    shells : int, optional
        Number of shells, of equal thickness in the logarithm of the radius. Those without bodies are
        left out.
    radius : pair of floats, optional
        Innermost and outermost radius. By default they enclose nearly all bodies.
    centre : sequence of 3 floats, optional
        By default, it is found by a shrinking sphere.
    G : float, optional
        Gravitational constant, instead of that of the units of the bodies.
    threads : int, optional
        Number of threads.

    Returns
    -------
    Profile
    """
    expect_bodies(bodies)
    ends = None if radius is None else [number("radius", end) for end in radius]
    if ends is not None and len(ends) != 2:
        raise ValueError(f"radius = {radius}: must be two rising radii above 0")
    about = None if centre is None else [number("centre", x) for x in centre]
    constant = bodies.G if G is None else G
    columns, at, velocity = _heorot.profile(bodies._columns(), shells, ends, about, constant, threads)
    return Profile(centre=np.array(at), velocity=np.array(velocity), **columns)


@dataclass(frozen=True)
class Spectrum:
    """Power spectrum of a periodic box.

    Attributes
    ----------
    k : ndarray
        Mean wave number of the modes of each bin.
    power, error : ndarray
        Mean power of the modes, with the shot noise, and its standard deviation if the field is
        Gaussian.
    modes, fold : ndarray of int
        Number of modes, and into how many parts the box was folded along each axis.
    shot_noise : float
        Power of bodies at random places. It is not subtracted.
    """

    k: Floats
    power: Floats
    error: Floats
    modes: NDArray[np.int64]
    fold: NDArray[np.int64]
    shot_noise: float

    def __len__(self) -> int:
        return len(self.k)


@names_numbers
def spectrum(
    bodies: Bodies,
    box: Optional[float] = None,
    *,
    grid: int = 256,
    fold: Sequence[int] = (),
    assignment: str = "pcs",
    bins_per_decade: Optional[int] = None,
    threads: Optional[int] = None,
) -> Spectrum:
    """Measure the power spectrum of a periodic box, as ``heorot spectrum``.

    Parameters
    ----------
    bodies : Bodies
        Bodies outside the box count as their images inside.
    box : float, optional
        Side of the box, whose corner is the origin; by default that of the bodies.
    grid : int, optional
        Cells along a side, an even number.
    fold : sequence of int, optional
        Numbers of parts into which the box is folded along each axis, rising, to reach higher wave
        numbers with the same grid.
    assignment : {"pcs", "tsc", "cic"}, optional
        How masses are assigned to cells.
    bins_per_decade : int, optional
        Logarithmic bins. By default bins are as wide as the fundamental wave number.
    threads : int, optional
        Number of threads.

    Returns
    -------
    Spectrum

    Examples
    --------
    >>> import heorot, numpy as np
    >>> bodies = heorot.Bodies(np.random.default_rng(1).uniform(size=(500, 3)), np.ones(500))
    >>> round(heorot.spectrum(bodies, 1.0, grid=16).shot_noise, 6)
    0.002
    """
    expect_bodies(bodies)
    side = bodies.box if box is None else box
    if side is None:
        raise ValueError("box: the bodies have none, so give its side")
    noise, columns = _heorot.spectrum(
        bodies._columns(), number("box", side), grid, list(fold), assignment, bins_per_decade, threads
    )
    return Spectrum(shot_noise=noise, **columns)
