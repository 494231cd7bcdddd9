"""The fixture `zibrato_recorder`, which exists only if this plugin is requested."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zibrato.testing.client import recording
from zibrato.testing.recordings import Recording


@pytest.fixture
def zibrato_recorder() -> Iterator[Recording]:
    """Records what every client of the process measures during the test, instead of sending it."""
    with recording() as recorded:
        yield recorded
