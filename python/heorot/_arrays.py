"""Arrays as the compiled part takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


def floats(name: str, value: Any) -> NDArray[Any]:
    """Return an array of float64 or float32 that is aligned and in the byte order of the machine, without a copy if it
    is one."""
    if type(value) is np.ndarray:
        array = value
    else:
        if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
            raise ValueError(f"{name}: some values are masked; leave those bodies out")
        array = np.asarray(value)
    if array.dtype in _FLOATS:
        return array if array.flags.aligned else array.copy()
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} has the dtype {array.dtype}: must be real numbers")
    return array.astype(np.float64)
