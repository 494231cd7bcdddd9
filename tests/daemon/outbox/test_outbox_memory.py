"""What an outbox says that it holds, beside what the interpreter says."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.daemon.outbox.outbox_memory import ROWS
from tests.environment import unmeasured
from tests.structure import ROOT


@pytest.fixture(scope="module")
def ratios() -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.daemon.outbox.outbox_memory"],
        cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("shape", ROWS)
def test_its_size_is_that_of_what_it_holds(shape: str, ratios: dict[str, float]) -> None:
    assert 0.75 <= ratios[shape] <= 1.25
