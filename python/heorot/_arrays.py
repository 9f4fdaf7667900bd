"""Arrays as the compiled part takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


def floats(name: str, value: Any) -> NDArray[Any]:
    """Return an array of float64 or float32 in the byte order of the machine, without a copy if it is one."""
    array = np.asarray(value)
    if array.dtype in _FLOATS:
        return array
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} has the dtype {array.dtype}: must be real numbers")
    return array.astype(np.float64)
