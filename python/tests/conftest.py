"""Settings of all tests."""

import os

import pytest
from hypothesis import settings

settings.register_profile("heorot", deadline=None, max_examples=int(os.environ.get("HEOROT_EXAMPLES", "40")))
settings.load_profile("heorot")


@pytest.fixture(scope="session")
def program() -> str:
    """The program, whose path HEOROT_PROGRAM names."""
    path = os.environ.get("HEOROT_PROGRAM", "")
    if not path:
        pytest.skip("HEOROT_PROGRAM does not name the program")
    return path
