"""Tests that need a registry say so where there is none, and hold nothing else up."""

from __future__ import annotations

import sys

import pytest

from tests.integration.registry import install


def test_what_installs_is_run() -> None:
    install("it", [sys.executable, "-c", ""])


@pytest.mark.parametrize(
    ("program", "patience", "says"),
    [
        ("raise SystemExit('no such package')", 60, "can't install it here: no such package\n"),
        ("import signal; signal.pause()", 0.01, "can't install it here: no answer within 0.01 s"),
    ],
)
def test_what_cannot_be_installed_is_skipped_by_name(
    program: str, patience: float, says: str
) -> None:
    with pytest.raises(pytest.skip.Exception) as skipped:
        install("it", [sys.executable, "-c", program], patience)
    assert skipped.value.msg == says
