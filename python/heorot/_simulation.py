"""Simulations: bodies that move under their own gravity."""

from __future__ import annotations

import errno
import math
import os
from typing import Any, Callable, Iterable, Iterator, Optional

from . import _heorot
from ._arrays import names_numbers, number
from ._bodies import Bodies, expect_bodies
from ._cosmology import Cosmology
from ._files import Path
from ._forces import Softening, plain_lengths
from ._potential import PotentialsLike, core_of
from ._schedule import Plan, plan_of, requested
from ._state import State
from ._units import Units


class Simulation:
    """Bodies that move under their own gravity.

    The first forces are computed here. The state is that of the program ``heorot run`` with the same
    parameters, bit by bit. After an error within a step, and after Ctrl-C, the simulation has the state
    before that step, or with block steps the last one in the step at which it can stop.

    Parameters
    ----------
    bodies : Bodies
        The first state. Its units give the gravitational constant. If it has a periodic box, so has the
        simulation; if it has a cosmology, the simulation is one of an expanding universe. Then times
        and steps are natural logarithms of the scale factor and differences of them
        (`Cosmology.time_of`).
    step : float, optional
        The longest step. It may be left out with ``timestep="block"`` or ``"adaptive-global"``: it is
        then the time between two outputs of `run`.
    timestep : {"fixed", "block", "adaptive-global"}, optional
        All bodies go steps of one length; each body goes steps of its own, halves of halves of the
        longest step; or all go the step of the body that needs the shortest.
    softening, kernel, accuracy, accuracy_of, theta, tolerance, order, walk
        As for `heorot.accelerations`.
    allow_missed : bool, optional
        Whether to go on if no tolerance gives the wanted accuracy.
    criterion : {"both", "acceleration", "rate"}, optional
        What decides the step that a body needs: by default both, in an expanding universe the
        acceleration.
    eta, eta_rate, smallest_step : float, optional
        Constants of the criteria, and the least step.
    softening_max_physical : float, optional
        In an expanding universe, the greatest softening length in physical units. Softening lengths
        are comoving below it.
    max_displacement : float, optional
        In an expanding universe, the greatest rms displacement in a step, in mean separations of the
        bodies; 0.25 by default.
    potentials : Potential, dict or sequence of dict, optional
        External potentials, in the units of the bodies: see `heorot.Potential`. Those that move, turn
        or grow do so with the time of the simulation.
    G : float, optional
        Gravitational constant, instead of that of the units of the bodies.
    undo : bool, optional
        Whether a step that ends with a bug of heorot (`InternalError`) is undone. Then a copy of the bodies
        is kept while a step is computed, 107 bytes for each. Otherwise the simulation is lost after
        such a step; states that were taken before it stay. Errors of other kinds are always undone.
    threads : int, optional
        Number of threads; all processors by default.

    Examples
    --------
    >>> import heorot
    >>> pair = heorot.model("two-body", units="nbody")
    >>> sim = heorot.Simulation(pair, step=0.01, walk="direct")
    >>> state = sim.evolve(0.1)
    >>> state.steps, round(state.time, 6)
    (10, 0.1)
    """

    @names_numbers
    def __init__(
        self,
        bodies: Bodies,
        *,
        step: Optional[float] = None,
        timestep: str = "fixed",
        softening: Softening = 0.0,
        kernel: Optional[str] = None,
        accuracy: Optional[float] = None,
        accuracy_of: Optional[str] = None,
        theta: Optional[float] = None,
        tolerance: Optional[float] = None,
        order: Optional[int] = None,
        walk: Optional[str] = None,
        allow_missed: bool = False,
        criterion: Optional[str] = None,
        eta: Optional[float] = None,
        eta_rate: Optional[float] = None,
        smallest_step: Optional[float] = None,
        softening_max_physical: Optional[float] = None,
        max_displacement: Optional[float] = None,
        potentials: Optional[PotentialsLike] = None,
        G: Optional[float] = None,
        undo: bool = False,
        threads: Optional[int] = None,
    ) -> None:
        expect_bodies(bodies)
        if not math.isfinite(bodies.time):
            raise ValueError(f"time = {bodies.time}: must be finite")
        self._units = bodies.units
        if bodies.units is not None:
            softening = plain_lengths(bodies.units, softening)
            softening_max_physical = bodies.units.strip(softening_max_physical, "length")
            step = bodies.units.strip(step, "time")
            smallest_step = bodies.units.strip(smallest_step, "time")
        if timestep == "fixed" and step is None:
            raise ValueError('give step, the length of the steps, or timestep="block"')
        step = None if step is None else number("step", step)
        if step is not None and not 0.0 < step < float("inf"):
            raise ValueError(f"step = {step}: must be above 0 and finite")
        constant = bodies.G if G is None else number("G", G)
        universe = None
        if bodies.scale_factor is not None:
            if bodies.cosmology is None or bodies.units is None or bodies.box is None:
                raise ValueError("bodies of an expanding universe need cosmology, units and box")
            universe = bodies.cosmology._plain(bodies.units, softening_max_physical, max_displacement)
            if timestep != "fixed" and criterion is None:
                criterion = "acceleration"
        elif softening_max_physical is not None or max_displacement is not None:
            raise ValueError("softening_max_physical and max_displacement need bodies with a cosmology")
        external = core_of(potentials, bodies.units, G)
        forces = _heorot.Settings(
            softening, kernel, accuracy, accuracy_of, theta, tolerance, order, walk, constant, allow_missed, bodies.box,
            external, universe
        )
        steps = _heorot.StepSettings(timestep, criterion, eta, eta_rate, smallest_step)
        self._step = step
        self._schedule: Optional[_heorot.Schedule] = None
        self._core = _heorot.Simulation(bodies._columns(), bodies.time, bodies.scale_factor, forces, steps, threads)
        self._core.undo = undo

    def run(
        self,
        until: Any = None,
        every: Any = None,
        callback: Optional[Callable[[Simulation], object]] = None,
        *,
        at: Any = None,
        redshifts: Optional[Iterable[float]] = None,
        scale_factors: Optional[Iterable[float]] = None,
    ) -> Iterator[State]:
        """Run the simulation, and yield its state again and again.

        The simulation goes on while the iterator is used; `evolve` runs without one. Ctrl-C ends it
        between steps, with block steps also within a full step: it takes at most as long as a force
        evaluation of all bodies. The simulation can be used afterwards, and ``run`` with the same
        arguments goes on where it was interrupted.

        Parameters
        ----------
        until : float, optional
            Time of the end; by default the last of the times that are given.
        every : float, optional
            Time between two states. By default, only the last one is yielded.
        callback : callable, optional
            Called with the simulation after each full step; if it returns True, the run ends there.
        at : sequence of float, optional
            Times of the states, ascending, instead of `every`. Steps end exactly there. The first may be
            the time of the simulation: its state is yielded at once.
        redshifts, scale_factors : sequence of float, optional
            In an expanding universe, the same as redshifts or scale factors.

        Yields
        ------
        State
        """
        lists = {"at": at, "redshifts": redshifts, "scale_factors": scale_factors}
        end, outputs = requested(self._units, self.scale_factor is not None, until, every, lists)
        plan = plan_of(self._core, self._schedule, self._step, end, outputs)
        self._schedule = plan.schedule or self._schedule
        return self._go(plan, callback, self.steps, State(self) if plan.at_once else None)

    def _go(
        self,
        plan: Plan,
        callback: Optional[Callable[[Simulation], object]],
        done: int,
        at_once: Optional[State],
    ) -> Iterator[State]:
        """Go the steps of a plan, of which the first follows `done` others."""
        if at_once is not None:
            yield at_once
            del at_once
        for length, time, is_due in plan.steps:
            if self.steps != done or self._core.part not in (None, (length, time)):
                raise RuntimeError("the simulation has gone on otherwise: this run is at its end, begin another one")
            self._core.advance(length, time)
            done += 1
            ends = callback is not None and callback(self) is True
            if is_due or ends:
                yield State(self)
            if ends:
                return

    def evolve(
        self, until: Any, callback: Optional[Callable[[Simulation], object]] = None
    ) -> State:
        """Run the simulation to a time.

        Parameters
        ----------
        until : float
            Time of the end. If it is that of the simulation, there is no step.
        callback : callable, optional
            As for `run`.

        Returns
        -------
        State
        """
        if self._units is not None:
            until = self._units.strip(until, "time")
        if number("until", until) != self.time or self._core.part is not None:
            for _ in self.run(until, callback=callback):
                pass
        return State(self)

    def step(self, count: int = 1) -> State:
        """Go full steps of the length that the simulation was made with.

        Parameters
        ----------
        count : int, optional
            Number of steps.

        Returns
        -------
        State
        """
        if self._step is None:
            raise ValueError("this simulation was made without step: use run or evolve")
        if count < 0:
            raise ValueError(f"count = {count}: must be 0 or above")
        if self.time + self._step == self.time:
            raise ValueError(f"step = {self._step}: is lost beside the time, which is {self.time}")
        self._core.check_span(self.time, self.time + count * self._step)
        for _ in range(count):
            part = self._core.part
            length, time = part if part is not None else (self._step, self.time + self._step)
            self._core.advance(length, time)
        return State(self)

    @property
    def time(self) -> float:
        """The time of the last full step."""
        return self._core.time

    @property
    def scale_factor(self) -> Optional[float]:
        """The scale factor in an expanding universe."""
        return self._core.scale_factor

    @property
    def redshift(self) -> Optional[float]:
        """The redshift in an expanding universe."""
        scale_factor = self._core.scale_factor
        return None if scale_factor is None else 1.0 / scale_factor - 1.0

    @property
    def cosmology(self) -> Optional[Cosmology]:
        """The expanding universe."""
        universe = self._core.universe
        return None if universe is None else Cosmology(*universe)

    @property
    def box(self) -> Optional[float]:
        """The side of the periodic box."""
        return self._core.side

    @property
    def steps(self) -> int:
        """Number of full steps since the beginning."""
        return self._core.steps

    @property
    def state(self) -> State:
        """The state at this time."""
        return State(self)

    @property
    def energy(self) -> float:
        """Total energy."""
        return float(self._core.energies(False)["total"])

    @property
    def energy_error(self) -> float:
        """Error of the energy as a fraction of the first energy."""
        return self._core.energy_error

    @property
    def force_error(self) -> Optional[float]:
        """The rms force error that was measured last, if an accuracy was asked for."""
        return self._core.force_error

    @property
    def bodies(self) -> Bodies:
        """The bodies at this time, in the caller's order, with ``acc`` and ``pot``; see `State`."""
        moment, space = self._core.moment(), {"box": self.box, "cosmology": self.cosmology}
        return Bodies._at(moment, self.time, self._units, **space, scale_factor=self._core.scale_factor)

    @property
    def rungs(self) -> Any:
        """The rung of each body: its step is the full step over ``2**rung``."""
        return self._core.moment().column("rung")

    @property
    def threads(self) -> Optional[int]:
        """Number of threads; None for all processors."""
        return self._core.threads

    @threads.setter
    def threads(self, threads: Optional[int]) -> None:
        self._core.threads = threads

    @property
    def undo(self) -> bool:
        """Whether a step that ends with a bug is undone."""
        return self._core.undo

    @undo.setter
    def undo(self, undo: bool) -> None:
        self._core.undo = undo

    def __len__(self) -> int:
        return len(self._core)

    def __repr__(self) -> str:
        return f"<heorot.Simulation: {len(self)} bodies at time {self.time:g}>"

    def checkpoint(self, path: Path) -> None:
        """Write the exact state into a file, from which `restore` goes on with the same bits.

        Parameters
        ----------
        path : str or path
            The file. It is replaced if it exists.
        """
        self._core.checkpoint(os.fsdecode(path), self._rest())

    @classmethod
    def restore(cls, path: Path, *, threads: Optional[int] = None) -> Simulation:
        """Read a state that `checkpoint` wrote.

        Parameters
        ----------
        path : str or path
            The file.
        threads : int, optional
            Number of threads.

        Returns
        -------
        Simulation
        """
        name = os.fsdecode(path)
        if not os.path.exists(name):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        core, rest = _heorot.Simulation.restore(name, threads)
        return cls._from(core, rest)

    def _rest(self) -> _heorot.Caller:
        units = None if self._units is None else self._units._cgs
        return (self._step, units, self._schedule)

    @classmethod
    def _from(cls, core: _heorot.Simulation, rest: _heorot.Caller) -> Simulation:
        simulation = cls.__new__(cls)
        simulation._core = core
        simulation._step, units, simulation._schedule = rest
        simulation._units = None if units is None else Units(*units)
        return simulation

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (self._core.to_bytes(), self._rest(), self.threads, self.undo)


def _unpickle(message: bytes, rest: _heorot.Caller, threads: Optional[int], undo: bool) -> Simulation:
    simulation = Simulation._from(_heorot.Simulation.from_bytes(message, threads), rest)
    simulation.undo = undo
    return simulation

