"""What the integration tests share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sink import Sink


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    """A receiver on an ipc path of its own."""
    made = Sink(f"ipc://{tmp_path}/socket")
    yield made
    made.end()
