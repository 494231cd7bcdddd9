"""Type checkers see instrumented functions unchanged, and wrong arguments as errors."""

from __future__ import annotations

import functools
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

HERE = Path(__file__).parent / "typing"
FILES = sorted(HERE.glob("*.py"))
UNCHANGED = HERE / "unchanged.py"


class Finding(NamedTuple):
    """A checker's message about a line; the first line is 1."""

    path: Path
    line: int
    severity: str
    text: str


def run(module: str, *arguments: str) -> str:
    """Return a checker's output; skips the test if the checker isn't installed."""
    pytest.importorskip(module)
    command = [sys.executable, "-m", module, *arguments]
    root = HERE.parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr  # 1 means that it found errors
    return done.stdout


@functools.cache
def mypy() -> list[Finding]:
    """Return mypy's findings, with the project's configuration."""
    output = run("mypy", "--strict", "--output=json", *map(str, FILES))
    return [
        Finding(HERE.parents[1] / entry["file"], entry["line"], entry["severity"], entry["message"])
        for entry in map(json.loads, output.splitlines())
    ]


@functools.cache
def pyright() -> list[Finding]:
    """Return pyright's findings; its configuration is beside the files."""
    output = run("pyright", "--outputjson", "--pythonpath", sys.executable, "--project", str(HERE))
    report: dict[str, Any] = json.loads(output)
    assert report["summary"]["filesAnalyzed"] == len(FILES)
    return [
        Finding(
            Path(entry["file"]),
            entry["range"]["start"]["line"] + 1,
            entry["severity"],
            entry["message"],
        )
        for entry in report["generalDiagnostics"]
    ]


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_checkers_accept_what_is_right_and_reject_what_is_wrong(
    checker: Callable[[], list[Finding]],
) -> None:
    assert [finding for finding in checker() if finding.severity in ("error", "warning")] == []


@pytest.mark.parametrize("checker", [mypy, pyright])
def test_instrumented_functions_keep_their_types(
    checker: Callable[[], list[Finding]],
) -> None:
    revealed = {
        finding.line: re.sub(r".*?[Tt]ype (of .* )?is ", "", finding.text)
        for finding in checker()
        if finding.path == UNCHANGED and finding.severity in ("note", "information")
    }
    source = UNCHANGED.read_text().splitlines()
    lines = [number for number, line in enumerate(source, 1) if line.startswith("reveal_type(")]
    assert sorted(revealed) == lines
    assert len(lines) >= 40
    for plain, instrumented in zip(lines[::2], lines[1::2], strict=True):
        assert revealed[plain] == revealed[instrumented], source[instrumented - 1]
        assert re.search(r"\w", revealed[plain])
