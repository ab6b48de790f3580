"""Fixtures of the network laboratory. Tests that use them carry the marker `lab`."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # netlab, faults: the lab's own modules, also run as scripts

from netlab import Lab, missing


@pytest.fixture(scope="session")
def _lab() -> Iterator[Lab]:
    why = missing("go")
    if why:
        pytest.skip(f"no network laboratory here: {why}")
    with Lab() as lab:
        yield lab


@pytest.fixture
def lab(_lab: Lab) -> Iterator[Lab]:
    """One lab for the whole session, healthy at the start of each test."""
    _lab.heal()
    yield _lab
    _lab.heal()
