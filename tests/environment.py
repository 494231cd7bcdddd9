"""The environment that child processes of tests get."""

from __future__ import annotations

import os


def unmeasured() -> dict[str, str]:
    """Return the environment without coverage, which imports more than the program does."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
