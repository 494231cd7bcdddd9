"""What several tests of intakes share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.intake.intakes import Fixture


@pytest.fixture
def fixture(tmp_path: Path) -> Iterator[Fixture]:
    """A started intake, and a client of it."""
    made = Fixture(tmp_path / "socket")
    yield made
    made.close()
