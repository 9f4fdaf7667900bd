"""Barnes-Hut gravity, N-body simulations, snapshots and pictures.

Arrays of numpy come in and go out, in the caller's order. Functions release the interpreter's
lock and compute on all processors, or on as many threads as ``threads`` says.

>>> import heorot
>>> galaxy = heorot.model("disc-galaxy", preset="milky-way", bodies=1000, seed=1)
>>> sim = heorot.Simulation(galaxy, softening=0.2, timestep="block")
>>> for state in sim.run(until=0.002, every=0.001):
...     print(f"{state.time:.3f}")
0.001
0.002
"""

import os as _os
import sys as _sys

from . import _heorot
from ._analysis import Halos, Profile, Spectrum, halos, neighbours, profile, spectrum
from ._bodies import Bodies
from ._cosmology import Cosmology
from ._forces import accelerations, direct, potential
from ._heorot import InternalError
from ._model import model
from ._picture import Picture, render
from ._potential import Potential
from ._simulation import Simulation
from ._snapshots import load, save
from ._state import State
from ._units import Units
from ._view import Page, view

if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(after_in_child=_heorot.after_fork)

# HDF5 files are read in a process of their own: a damaged file can crash the library. A program that
# embeds Python cannot be started so; it reads files in its own process.
if _os.path.basename(_sys.executable or "").lower().startswith(("python", "pypy")):
    _script = _os.path.join(_os.path.dirname(__file__), "_read.py")
    _heorot.read_in_process([_sys.executable, "-I", "-S", _script, _heorot.__file__])

__version__: str = _heorot.__version__
__all__ = [
    "Bodies",
    "Cosmology",
    "Halos",
    "InternalError",
    "Page",
    "Picture",
    "Potential",
    "Profile",
    "Simulation",
    "Spectrum",
    "State",
    "Units",
    "accelerations",
    "direct",
    "halos",
    "load",
    "model",
    "neighbours",
    "potential",
    "profile",
    "render",
    "save",
    "spectrum",
    "view",
]
