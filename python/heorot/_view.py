"""Pages that show bodies in a browser or in a notebook."""

from __future__ import annotations

import html
import os
from typing import Any, Optional, Sequence, Union

from . import _heorot
from ._arrays import names_numbers, particle_types, sequence, whole
from ._bodies import Bodies
from ._files import Path, whole_file
from ._state import State

#: Bodies times frames of a page, unless the caller says how many bodies: a page of some 4 MB.
_MOST_PLACES = 300_000
#: Fewest and most bodies of such a page.
_FEWEST, _MOST = 2_000, 100_000

Shown = Union[Bodies, State]


class Page:
    """An HTML page, shown by a notebook as it is. It needs no network and no other file.

    Parameters
    ----------
    html : str
        The page.
    height : int, optional
        Height in a notebook, in pixels.
    """

    def __init__(self, html: str, height: int = 480) -> None:
        self.html = html
        self.height = height

    def save(self, path: Path) -> None:
        """Write the page to a file, which any browser opens.

        Parameters
        ----------
        path : str or path
            The file. Its name must end with ``.html``; it is replaced if it exists.
        """
        name = os.fsdecode(path)
        if not name.lower().endswith(".html"):
            raise ValueError(f"{name}: must end with .html")
        with whole_file(name) as file:
            file.write(self.html.encode())

    def __repr__(self) -> str:
        return f"<heorot.Page: {len(self.html) / 1e6:.1f} MB>"

    def _repr_html_(self) -> str:
        # The frame cannot reach the notebook: its script has an origin of its own.
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" sandbox="allow-scripts allow-downloads" '
            f'style="width: 100%; height: {self.height}px; border: 0" allowfullscreen></iframe>'
        )


def _pair(galaxy: Any) -> tuple[int, int]:
    """The first and the last id of a galaxy."""
    ids = [whole("galaxies", one) for one in sequence("galaxies", galaxy)]
    if len(ids) != 2 or not 0 <= ids[0] <= ids[1] < 2**64:
        raise ValueError(f"galaxies: {galaxy!r} is no pair of the first and the last id")
    return ids[0], ids[1]


@names_numbers
def view(
    bodies: Union[Shown, Sequence[Shown]],
    *,
    most: Optional[int] = None,
    types: Optional[Sequence[int]] = None,
    galaxies: Sequence[tuple[int, int]] = (),
    height: int = 480,
    threads: Optional[int] = None,
) -> Page:
    """Make a page that shows bodies: turn, zoom and play, as that of ``heorot view``.

    Parameters
    ----------
    bodies : Bodies or State, or a sequence of them
        Several are played in the order of their times. Their bodies are followed by their ids. All must
        have the same units and the same ``box``, which the page draws if it is set: bodies outside are
        shown at their places inside.
    most : int, optional
        Show at most so many bodies, up to a million. All have the same chance, and all frames show
        the same ones. By default up to 100,000, fewer for many frames. A body takes 13 bytes of the
        page in each frame.
    types : sequence of int, optional
        Particle types to show; all by default. Types of at most 32 bodies are shown as larger points
        with their trails, all of them.
    galaxies : sequence of pairs of int, optional
        First and last id of each galaxy, for colours by galaxy.
    height : int, optional
        Height in a notebook, in pixels.
    threads : int, optional
        Number of threads.

    Returns
    -------
    Page

    Examples
    --------
    >>> import heorot
    >>> galaxy = heorot.model("disc-galaxy", bodies=1000, seed=1)
    >>> heorot.view(galaxy)
    <heorot.Page: 0.1 MB>
    """
    given = [bodies] if isinstance(bodies, (Bodies, State)) else sequence("bodies", bodies)
    frames = [frame.bodies if isinstance(frame, State) else frame for frame in given]
    if not frames:
        raise ValueError("bodies: there are none to show")
    for frame in frames:
        if not isinstance(frame, Bodies):
            raise TypeError(f"bodies: must be Bodies or a State, or a sequence of them, not {type(frame).__name__}")
    if any(frame.units != frames[0].units for frame in frames):
        raise ValueError("bodies: all must have the same units")
    if any(frame.box != frames[0].box for frame in frames):
        raise ValueError("bodies: all must have the same box")
    if most is None:
        most = min(max(_MOST_PLACES // len(frames), _FEWEST), _MOST)
    most = whole("most", most)
    if not 0 < whole("height", height) < 10_000:
        raise ValueError(f"height = {height}: must be from 1 to 9999 pixels")
    frames.sort(key=lambda frame: frame.time)
    units = None if frames[0].units is None else frames[0].units._cgs
    columns = [(frame._columns(), frame.time, frame.redshift, f"frame {i + 1}") for i, frame in enumerate(frames)]
    pairs = [_pair(galaxy) for galaxy in sequence("galaxies", galaxies)]
    page = _heorot.view(columns, units, particle_types(types), pairs, most, frames[0].box, threads)
    return Page(page, int(height))
