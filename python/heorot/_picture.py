"""Pictures of bodies."""

from __future__ import annotations

import os
from typing import Any, Optional, Sequence, Union

import numpy as np

from . import _heorot
from ._arrays import names_numbers, number, optional_number, particle_types, sequence, text, whole
from ._bodies import Bodies, expect_bodies
from ._files import Path, whole_file


class Picture:
    """A picture, shown by a notebook as it is.

    Parameters
    ----------
    png : bytes
        The file.
    """

    def __init__(self, png: bytes) -> None:
        self.png = png

    def save(self, path: Path) -> None:
        """Write the picture to a file in PNG format.

        Parameters
        ----------
        path : str or path
            The file. Its name must end with ``.png``; it is replaced if it exists.
        """
        name = os.fsdecode(path)
        if not name.lower().endswith(".png"):
            raise ValueError(f"{name}: must end with .png")
        with whole_file(name) as file:
            file.write(self.png)

    def _repr_png_(self) -> bytes:
        return self.png


@names_numbers
def render(
    bodies: Bodies,
    *,
    width: Optional[float] = None,
    centre: Optional[Any] = None,
    axis: str = "z",
    azimuth: Optional[float] = None,
    elevation: Optional[float] = None,
    roll: float = 0.0,
    perspective: Optional[float] = None,
    colours: str = "inferno",
    size: Union[int, Sequence[int]] = 640,
    types: Optional[Sequence[int]] = None,
    neighbours: int = 32,
    decorations: bool = True,
    axes: bool = False,
    transparent: bool = False,
    threads: Optional[int] = None,
) -> Picture:
    """Draw the surface density of bodies.

    Parameters
    ----------
    bodies : Bodies
    width : float, optional
        Length from the left to the right edge. By default, a circle with 98 % of the mass fits, or the
        box of the bodies.
    centre : sequence of 3 floats, optional
        Centre of the picture. By default the centre of mass, or that of the box. In a box, bodies are
        drawn at their images nearest to it.
    axis : {"z", "x", "y"}, optional
        Line of sight.
    azimuth, elevation, roll : float, optional
        Direction of the camera in degrees, instead of the axis.
    perspective : float, optional
        Angle under which the width is seen, in degrees.
    colours : {"inferno", "magma", "viridis", "cividis", "galaxy"}, optional
        Colour map.
    size : int or pair of int, optional
        Width and height in pixels, from 160 to 8192.
    types : sequence of int, optional
        Particle types to draw; all by default.
    neighbours : int, optional
        A body is spread over the distance to its neighbour of this rank.
    decorations : bool, optional
        Whether time, scale bar and colour bar are drawn.
    axes : bool, optional
        Whether axes are drawn around the picture, in place of the scale bar. They enlarge it.
    transparent : bool, optional
        Whether the background is transparent.
    threads : int, optional
        Number of threads.

    Returns
    -------
    Picture
    """
    expect_bodies(bodies)
    sides = list(size) if isinstance(size, (tuple, list, np.ndarray)) else [size, size]
    if len(sides) != 2 or not all(isinstance(side, (int, np.integer)) and side > 0 for side in sides):
        raise ValueError(f"size = {size}: must be one number of pixels, or two")
    place = None if centre is None else [number("centre", x) for x in sequence("centre", centre)]
    if place is not None and len(place) != 3:
        raise ValueError(f"centre = {centre}: must be three numbers")
    look = {
        "size": sides,
        "width": optional_number("width", width),
        "centre": place,
        "axis": text("axis", axis),
        "azimuth": optional_number("azimuth", azimuth),
        "elevation": optional_number("elevation", elevation),
        "roll": number("roll", roll),
        "perspective": optional_number("perspective", perspective),
        "colours": text("colours", colours),
        "types": particle_types(types),
        "neighbours": whole("neighbours", neighbours),
        "decorations": bool(decorations),
        "axes": bool(axes),
        "box": bodies.box,
        "redshift": bodies.redshift,
        "transparent": bool(transparent),
    }
    units = None if bodies.units is None else bodies.units._cgs
    return Picture(_heorot.render(bodies._columns(), look, bodies.time, units, threads))
