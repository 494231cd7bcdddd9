"""When a test hangs, pytest ends the run without a summary; tests of full length get more time."""

from __future__ import annotations

LIMIT = 1800
"""Seconds for a test of full length, see tests/soak.py."""
OPTIONS = ("-o", f"faulthandler_timeout={LIMIT}")
"""The options of pytest that set this limit."""


def check_limit(seconds: float, share: float) -> None:
    """Raise ValueError, one line for people, if a test of such a length could seem to hang."""
    if share >= 1 and 0 < seconds < LIMIT:
        options = " ".join(OPTIONS)
        raise ValueError(f"ZIBRATO_SOAK=1: a test may take over {seconds:g} seconds; add {options}")
