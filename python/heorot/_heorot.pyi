"""The compiled part of heorot."""

from typing import Any, Iterator, Optional, Sequence, Union

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Cgs = tuple[float, float, float]
Outputs = Optional[Union[float, list[float]]]
Schedule = tuple[float, float, Outputs]
Caller = tuple[Optional[float], Optional[Cgs], Optional[Schedule]]

__version__: str

class InternalError(RuntimeError): ...

class Settings:
    def __init__(
        self,
        softening: Any,
        kernel: Optional[str],
        accuracy: Optional[float],
        accuracy_of: Optional[str],
        theta: Optional[float],
        tolerance: Optional[float],
        order: Optional[int],
        walk: Optional[str],
        constant: float,
        allow_missed: bool,
        side: Optional[float],
        potential: Optional[Potential],
        universe: Optional[dict[str, Any]],
        /,
    ) -> None: ...

class StepSettings:
    def __init__(
        self,
        timestep: str,
        criterion: Optional[str],
        eta: Optional[float],
        eta_rate: Optional[float],
        smallest_step: Optional[float],
        /,
    ) -> None: ...

class Potential:
    def __init__(self, list: str, of: Optional[Cgs], constant: float, until: float) -> None: ...
    def field(self, pos: NDArray[Any], time: float, threads: Optional[int]) -> tuple[Floats, Floats]: ...

def accelerations(
    pos: NDArray[Any],
    mass: NDArray[Any],
    settings: Settings,
    time: float,
    single: bool,
    threads: Optional[int],
    /,
) -> tuple[NDArray[Any], NDArray[Any], Optional[float]]: ...
def seconds_of_evaluations(
    pos: NDArray[Any], mass: NDArray[Any], settings: Settings, threads: Optional[int], count: int
) -> float: ...
def model(
    keys: str, of: Cgs, space: Optional[tuple[dict[str, Any], float, float]], threads: Optional[int]
) -> dict[str, Any]: ...
def load(
    path: str, wanted_units: Optional[Cgs], types: Optional[list[int]], isolated: bool, threads: Optional[int]
) -> tuple[dict[str, Any], float, Cgs, Optional[float], Optional[tuple[float, float, Sequence[float]]], list[str]]: ...
def save(
    path: str,
    columns: dict[str, Any],
    time: float,
    of: Optional[Cgs],
    side: Optional[float],
    universe: Optional[tuple[dict[str, Any], float]],
    format: str,
    single: bool,
    compression: int,
    overwrite: bool,
    threads: Optional[int],
) -> None: ...
def gravitational_constant(of: Cgs) -> float: ...
def log_of_redshift(redshift: float) -> float: ...
def log_of_scale_factor(scale_factor: float) -> float: ...
def neighbours(pos: NDArray[Any], k: int, side: Optional[float], threads: Optional[int]) -> tuple[Floats, NDArray[np.int64]]: ...
def halos(
    columns: dict[str, Any],
    linking: float,
    linking_length: Optional[float],
    min_members: int,
    side: Optional[float],
    threads: Optional[int],
) -> tuple[float, dict[str, Any], NDArray[np.int64]]: ...
def spectrum(
    columns: dict[str, Any],
    side: float,
    grid: int,
    folds: list[int],
    assignment: str,
    bins_per_decade: Optional[int],
    threads: Optional[int],
) -> tuple[float, dict[str, Any]]: ...
def profile(
    columns: dict[str, Any],
    count: int,
    radius: Optional[list[float]],
    centre: Optional[list[float]],
    constant: float,
    threads: Optional[int],
) -> tuple[dict[str, Any], Sequence[float], Sequence[float]]: ...
def render(
    columns: dict[str, Any], look: dict[str, Any], time: Optional[float], of: Optional[Cgs], threads: Optional[int]
) -> bytes: ...
def view(
    frames: list[tuple[dict[str, Any], float, Optional[float], str]],
    of: Optional[Cgs],
    types: Optional[list[int]],
    galaxies: list[tuple[int, int]],
    most: int,
    side: Optional[float],
    threads: Optional[int],
) -> str: ...
def read_in_process(command: list[str]) -> None: ...
def serve_parent() -> None: ...
def steps(start: float, until: float, longest: float, outputs: Outputs, time: float) -> Steps: ...
def after_fork() -> None: ...
def panic_for_tests(bodies: int) -> None: ...

class Steps(Iterator[tuple[float, float, bool]]):
    def __iter__(self) -> Steps: ...
    def __next__(self) -> tuple[float, float, bool]: ...

class Moment:
    def __len__(self) -> int: ...
    @property
    def is_past(self) -> bool: ...
    def column(self, name: str) -> NDArray[Any]: ...

class Simulation:
    threads: Optional[int]
    undo: bool
    def __init__(
        self,
        columns: dict[str, Any],
        time: float,
        scale_factor: Optional[float],
        settings: Settings,
        steps: StepSettings,
        threads: Optional[int],
    ) -> None: ...
    def advance(self, length: float, time: float) -> None: ...
    @property
    def part(self) -> Optional[tuple[float, float]]: ...
    @property
    def time(self) -> float: ...
    @property
    def scale_factor(self) -> Optional[float]: ...
    @property
    def side(self) -> Optional[float]: ...
    @property
    def universe(self) -> Optional[list[float]]: ...
    @property
    def steps(self) -> int: ...
    @property
    def force_error(self) -> Optional[float]: ...
    @property
    def energy_error(self) -> float: ...
    @property
    def is_fixed(self) -> bool: ...
    def __len__(self) -> int: ...
    def energies(self, first: bool) -> dict[str, Any]: ...
    def moment(self) -> Moment: ...
    def check_span(self, start: float, to: float) -> None: ...
    def panic_for_tests(self, length: float) -> None: ...
    def checkpoint(self, path: str, caller: Caller) -> None: ...
    @staticmethod
    def restore(path: str, threads: Optional[int]) -> tuple[Simulation, Caller]: ...
    def to_bytes(self) -> bytes: ...
    @staticmethod
    def from_bytes(message: bytes, threads: Optional[int]) -> Simulation: ...
