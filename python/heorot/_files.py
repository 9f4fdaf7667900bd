"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import IO, Iterator, Union

Path = Union[str, "os.PathLike[str]"]


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to be written, which takes its place when it is complete.

    Until then a file of this name stays as it is, also if an error comes.
    """
    name = os.path.realpath(os.fsdecode(path))
    if os.path.exists(name) and not os.path.isfile(name):  # a device or a pipe
        with open(name, "wb") as file:
            yield file
        return
    part = f"{name}.{os.getpid()}.part"
    try:
        with open(part, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, name)
    except BaseException as fault:
        if os.path.exists(part):
            os.unlink(part)
        if isinstance(fault, OSError) and fault.filename in (part, None):
            raise type(fault)(fault.errno, fault.strerror, name) from None
        raise
