"""When a test hangs: pytest ends the run there, without a summary. Whole length takes longer."""

from __future__ import annotations

LIMIT = 1800
"""Seconds for a test of whole length, of which tests/soak.py tells."""
OPTIONS = ("-o", f"faulthandler_timeout={LIMIT}")
"""What has pytest wait for so long."""


def check_limit(seconds: float, share: float) -> None:
    """Raise ValueError, one line for people, if a test of so much length could seem to hang."""
    if share >= 1 and 0 < seconds < LIMIT:
        options = " ".join(OPTIONS)
        raise ValueError(f"ZIBRATO_SOAK=1: a test may take over {seconds:g} seconds; add {options}")
