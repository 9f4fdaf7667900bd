"""Bodies in files."""

from __future__ import annotations

import os
import warnings
from typing import Any, Optional, Sequence

import numpy as np

from . import _heorot
from ._arrays import names_numbers, particle_types
from ._bodies import Bodies, expect_bodies
from ._cosmology import Cosmology
from ._files import Path, whole_file
from ._units import Units, UnitsLike, units_of


@names_numbers
def load(
    path: Path,
    *,
    units: Optional[UnitsLike] = None,
    types: Optional[Sequence[int]] = None,
    isolated: bool = False,
    threads: Optional[int] = None,
) -> Bodies:
    """Read bodies from a file of any format that the program reads.

    Parameters
    ----------
    path : str or path
        GADGET (HDF5, binary format 1 or 2), SWIFT, Tipsy, a text table, ``.npy`` or ``.npz``; of a
        snapshot in several files, any one of them. The format is recognised from the content.
    units : Units or {"galactic", "nbody"}, optional
        Units of the result. By default those of the file, or "galactic" if it has none.
    types : sequence of int, optional
        Particle types to read; all by default.
    isolated : bool, optional
        Take a file for an isolated system even if its header has a periodic box or looks like that of
        an expanding universe.
    threads : int, optional
        Number of threads.

    Returns
    -------
    Bodies
        In the order of the file, with the box and the universe of its header. Velocities in a universe
        are peculiar ones in every format.

    Warns
    -----
    UserWarning
        If something of the file was assumed, changed or left out.
    """
    wanted = None if units is None else units_of(units)._cgs
    columns, time, cgs, side, expanding, remarks = _heorot.load(
        os.fsdecode(path), wanted, particle_types(types), isolated, threads
    )
    for remark in remarks:
        warnings.warn(f"{os.fspath(path)}: {remark}", stacklevel=2)
    if side is not None:
        outside = int(np.any((columns["pos"] < 0.0) | (columns["pos"] >= side), axis=1).sum())
        if outside > 0:
            remark = f"{outside} bodies are outside its periodic box of side {side:g}; isolated=True ignores the box"
            warnings.warn(f"{os.fspath(path)}: {remark}", stacklevel=2)
    if expanding is None:
        return Bodies._of(columns, time, Units(*cgs), box=side)
    scale_factor, time, (omega_m, omega_lambda, h, omega_r, w0, wa) = expanding
    is_known = omega_m > 0.0 and h > 0.0
    cosmology = Cosmology(omega_m, omega_lambda, h, omega_r, w0, wa) if is_known else None
    bodies = Bodies._of(columns, time, Units(*cgs), box=side, cosmology=cosmology)
    bodies.scale_factor = scale_factor
    return bodies


@names_numbers
def save(
    path: Path,
    bodies: Bodies,
    *,
    format: Optional[str] = None,
    precision: str = "double",
    compression: int = 0,
    overwrite: bool = False,
    threads: Optional[int] = None,
) -> None:
    """Write bodies to a file.

    Parameters
    ----------
    path : str or path
        The file.
    bodies : Bodies
        What to write.
    format : {"gadget", "swift", "npz"}, optional
        Names and attributes of the HDF5 file, or an archive of numpy. By default "npz" for a name
        that ends so, else "gadget". An HDF5 file has the bodies in the order of their keys, an
        archive in their own.
    precision : {"double", "single"}, optional
        Precision of the numbers.
    compression : int, optional
        Level of lossless compression, from 0 to 9.
    overwrite : bool, optional
        Whether an existing file may be replaced.
    threads : int, optional
        Number of threads.
    """
    expect_bodies(bodies)
    name = os.fsdecode(path)
    if precision not in ("double", "single"):
        raise ValueError(f"precision = {precision!r}: must be one of double, single")
    format = format or ("npz" if name.endswith(".npz") else "gadget")
    if format == "npz":
        if os.path.exists(name) and not overwrite:
            raise ValueError(f"{name}: exists; overwrite=True replaces it")
        number = np.float64 if precision == "double" else np.float32
        columns: dict[str, Any] = {key: getattr(bodies, key).astype(number) for key in ("mass", "pos", "vel")}
        write = np.savez_compressed if compression else np.savez
        with whole_file(name) as file:
            write(file, id=bodies.id, type=bodies.type, **columns)
        return
    units = None if bodies.units is None else bodies.units._cgs
    single = precision == "single"
    universe = None
    if bodies.scale_factor is not None:
        if bodies.cosmology is None or bodies.units is None:
            raise ValueError("bodies with a scale factor need cosmology and units to be saved")
        universe = (bodies.cosmology._plain(bodies.units), bodies.scale_factor)
    _heorot.save(name, bodies._columns(), bodies.time, units, bodies.box, universe, format, single, compression, overwrite, threads)
