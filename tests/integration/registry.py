"""What tests install from a registry; where that can't be had they are skipped, by name."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest

PATIENCE = 90.0
"""Seconds: less than the time after which pytest takes a test for hanging, and ends its process."""


def install(what: str, command: Sequence[str], patience: float = PATIENCE) -> None:
    """Run a command that installs; skip the test, with what it said, where it can't."""
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=patience
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"can't install {what} here: no answer within {patience:g} s")
    if done.returncode:
        pytest.skip(f"can't install {what} here: {done.stderr[-300:]}")
