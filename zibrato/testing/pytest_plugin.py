"""The fixture `zibrato_recorder`, which is there only where this plugin is asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zibrato.testing.client import recording
from zibrato.testing.recordings import Recording


@pytest.fixture
def zibrato_recorder() -> Iterator[Recording]:
    """What every client of the process records during the test, kept from the daemon."""
    with recording() as recorded:
        yield recorded
