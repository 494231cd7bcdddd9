"""Runs the Python blocks of one page, one after the other, and the tests that they define.

    python page_runner.py PRELUDE BLOCK …

Each argument is a source text. What is measured is recorded, so that no daemon is asked for.
"""

from __future__ import annotations

import inspect
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from zibrato.testing import recording


def run(sources: list[str]) -> dict[str, Any]:
    """Return the names that the sources have made."""
    names: dict[str, Any] = {"__name__": "page"}
    for number, source in enumerate(sources):
        exec(compile(source, f"block {number} of the page", "exec"), names)  # noqa: S102 - what our own pages have
    return names


def run_tests(names: dict[str, Any]) -> None:
    """Call each function `test_…`, as pytest does, with the fixtures that it asks for."""
    for name, function in list(names.items()):
        if name.startswith("test_"):
            with recording() as recorder, tempfile.TemporaryDirectory() as directory:
                fixtures = {"zibrato_recorder": recorder, "tmp_path": Path(directory)}
                function(**{key: fixtures[key] for key in inspect.signature(function).parameters})
            print(name)


if __name__ == "__main__":
    with recording():
        made = run(sys.argv[1:])
    run_tests(made)
    sys.stdout.flush()
    os._exit(0)  # a page's clients would wait for daemons that are not there
