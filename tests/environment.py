"""The environment for child processes of tests."""

from __future__ import annotations

import os


def unmeasured() -> dict[str, str]:
    """Return the environment without coverage, which imports more than the program itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
