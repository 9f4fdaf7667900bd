"""Models of initial conditions."""

from __future__ import annotations

import json
from typing import Any, Optional

from . import _heorot
from ._arrays import names_numbers, number, plain_value
from ._bodies import Bodies
from ._cosmology import Cosmology
from ._units import Units, UnitsLike, units_of


@names_numbers
def model(
    name: str,
    *,
    units: UnitsLike = "galactic",
    box: Any = None,
    cosmology: Optional[Cosmology] = None,
    redshift: Optional[float] = None,
    threads: Optional[int] = None,
    **keys: Any,
) -> Bodies:
    """Draw the bodies of a model; the same as those of ``heorot model`` with the same keys.

    Parameters
    ----------
    name : str
        One of plummer, hernquist, jaffe, isochrone, nfw, king, star-cluster, planetary-system,
        disc-galaxy, two-body, collision, encounter, clumps, uniform, cosmology.
    units : Units or {"galactic", "nbody"}, optional
        Units of the keys and of the bodies.
    box : float, optional
        Side of a periodic box, which the bodies get; the model "cosmology" fills it.
    cosmology : Cosmology, optional
        The expanding universe of the model "cosmology".
    redshift : float, optional
        The redshift of that model.
    threads : int, optional
        Number of threads; all processors by default.
    **keys
        ``bodies``, ``seed``, and the keys of the model, as in the ``[initial]`` table of a parameter
        file: ``mass``, ``radius``, ``preset`` and so on.

    Returns
    -------
    Bodies

    Examples
    --------
    >>> import heorot
    >>> len(heorot.model("plummer", bodies=100, seed=1, units="nbody"))
    100
    >>> universe = heorot.Cosmology(omega_m=0.3111, omega_lambda=0.6889, h=0.6766)
    >>> box = heorot.model(
    ...     "cosmology", per_side=16, sigma8=0.81, omega_b=0.049, cosmology=universe, redshift=49, box=100e3
    ... )
    >>> len(box), round(box.redshift)
    (4096, 49)
    """
    system = units_of(units)
    side = system.strip(box, "length")
    given = {key: plain_value(key, value) for key, value in _plain(keys, system).items()}
    text = json.dumps({"model": name, **given})
    if name != "cosmology":
        if cosmology is not None or redshift is not None:
            raise ValueError(f"cosmology and redshift have no meaning for the model {name!r}")
        return Bodies._of(_heorot.model(text, system._cgs, None, threads), 0.0, system, box=side)
    if cosmology is None or redshift is None or side is None:
        raise ValueError("the model 'cosmology' needs cosmology, redshift and box")
    redshift, side = number("redshift", redshift), number("box", side)
    if not -1.0 < redshift <= 1e6:
        raise ValueError(f"redshift = {redshift}: must be above -1 and at most 1e6")
    space = (cosmology._plain(system), side, 1.0 / (1.0 + redshift))
    columns = _heorot.model(text, system._cgs, space, threads)
    return Bodies._of(columns, 0.0, system, box=side, cosmology=cosmology, redshift=redshift)


#: What the keys of models that may be quantities are.
_DIMENSIONS = {
    "mass": "mass",
    "disc_mass": "mass",
    "halo_mass": "mass",
    "bulge_mass": "mass",
    "solar_mass": "mass",
    "belt_mass": "mass",
    "velocity": "velocity",
    **dict.fromkeys(
        ("radius", "softening", "semi_major_axis", "pericentre", "distance", "disc_length", "disc_height")
        + ("halo_radius", "bulge_radius", "side", "position", "binary_axis", "belt"),
        "length",
    ),
}


def _plain(keys: dict[str, Any], units: Units) -> dict[str, Any]:
    plain = {key: units.strip(value, _DIMENSIONS.get(key, "length")) for key, value in keys.items()}
    for parts in ("galaxies", "planets"):
        if parts in plain:
            plain[parts] = [_plain(part, units) for part in plain[parts]]
    return plain
