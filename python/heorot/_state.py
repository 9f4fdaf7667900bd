"""States of simulations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from ._bodies import Bodies

if TYPE_CHECKING:
    from ._simulation import Simulation


class State:
    """A simulation at one time. It does not change when the simulation goes on.

    Attributes
    ----------
    time : float
        The time; in an expanding universe the natural logarithm of the scale factor.
    scale_factor, redshift : float or None
        Those of an expanding universe.
    steps : int
        Number of full steps since the beginning.
    kinetic, potential, external, energy : float
        Kinetic energy, potential energy of the bodies among themselves and in external potentials, and
        their sum.
    energy_error : float
        Error of the energy as a fraction of the first energy.
    virial_ratio : float
        2 K / abs(W), with the potential energy as W.
    momentum, angular_momentum : ndarray, shape (3,)
        Sums over all bodies, about the origin.
    bodies : Bodies
        The bodies, in the caller's order, with ``acc`` and ``pot``. Their arrays belong to the caller;
        each is made when it is first asked for. If the simulation goes on before, it keeps a copy.
    """

    def __init__(self, simulation: Simulation) -> None:
        core = simulation._core
        energies = core.energies(False)
        self.time: float = core.time
        self.scale_factor: Optional[float] = core.scale_factor
        self.redshift: Optional[float] = simulation.redshift
        self.steps: int = core.steps
        self.kinetic: float = energies["kinetic"]
        self.potential: float = energies["potential"]
        self.external: float = energies["external"]
        self.energy: float = energies["total"]
        self.energy_error: float = core.energy_error
        self.virial_ratio: float = energies["virial_ratio"]
        self.momentum = energies["momentum"]
        self.angular_momentum = energies["angular_momentum"]
        self.bodies: Bodies = simulation.bodies

    def __repr__(self) -> str:
        return f"<heorot.State: time {self.time:g}, energy error {self.energy_error:.2e}>"
