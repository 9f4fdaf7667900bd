"""Arrays as the compiled part takes them."""

from __future__ import annotations

import functools
import inspect
import math
import operator
import os
from collections.abc import Mapping
from typing import Any, Callable, Optional, Sequence, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])
Floats = NDArray[np.float64]
_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


def names_numbers(function: Function) -> Function:
    """Let a whole number that does not fit the compiled part be a ValueError with the name of the argument."""

    @functools.wraps(function)
    def guarded(*given: Any, **named: Any) -> Any:
        try:
            return function(*given, **named)
        except OverflowError as fault:
            for name, value in inspect.signature(function).bind(*given, **named).arguments.items():
                values = value if isinstance(value, (list, tuple)) else (value,)
                if any(isinstance(one, int) and not 0 <= one < 2**31 for one in values):
                    raise ValueError(f"{name} = {value}: is out of range") from None
            raise ValueError(f"a whole number is out of range: {fault}") from None

    return cast(Function, guarded)


def number(name: str, value: Any) -> float:
    """A real number, or a TypeError with the name of the argument."""
    if type(value) is float:
        return value
    try:
        if isinstance(value, (str, bytes)) or getattr(value, "ndim", 0) > 0:
            raise TypeError
        return float(value)
    except TypeError:
        raise TypeError(f"{name} = {value!r}: must be a number") from None
    except OverflowError:
        raise ValueError(f"{name}: is out of range") from None


def optional_number(name: str, value: Any) -> Optional[float]:
    """A real number or None, or a TypeError with the name of the argument."""
    return None if value is None else number(name, value)


def whole(name: str, value: Any) -> int:
    """A whole number, or a TypeError with the name of the argument."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} = {value!r}: must be a whole number") from None


def text(name: str, value: Any) -> str:
    """A string, or a TypeError with the name of the argument."""
    if not isinstance(value, str):
        raise TypeError(f"{name} = {value!r}: must be a string")
    return value


def sequence(name: str, value: Any) -> list[Any]:
    """The elements of a sequence, or a TypeError with the name of the argument."""
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return list(value)
    except TypeError:
        raise TypeError(f"{name} = {value!r}: must be a sequence") from None


def plain_value(name: str, value: Any) -> Any:
    """The value of a key as JSON has it, without arrays, numbers of numpy and paths."""
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain_value(f"{name}.{key}", one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_value(name, one) for one in value]
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name} = {value}: must be finite")
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise ValueError(f"{name}: is out of range")
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"{name}: {value!r} is no value of a key")


def particle_types(types: Optional[Sequence[int]]) -> Optional[list[int]]:
    """The types as the compiled part takes them; None for all."""
    if types is None:
        return None
    types = [whole("types", kind) for kind in sequence("types", types)]
    for kind in types:
        if not 0 <= kind <= 5:
            raise ValueError(f"types: {kind} is none, must be from 0 to 5")
    return types


def floats(name: str, value: Any) -> NDArray[Any]:
    """Return an array of float64 or float32 that is aligned and in the byte order of the machine, without a copy if it
    is one."""
    if type(value) is np.ndarray:
        array = value
    else:
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            raise ValueError(f"{name}: some values are masked; leave those bodies out")
        try:
            array = np.asarray(value)
        except ValueError as fault:
            raise ValueError(f"{name}: {fault}") from None
    if array.dtype in _FLOATS:
        return array if array.flags.aligned else array.copy()
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} has the dtype {array.dtype}: must be real numbers")
    return array.astype(np.float64)
