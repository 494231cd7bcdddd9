"""How benchmarks print: a line about the machine, and tables to be pasted into a .rst file."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("zibrato", "Twisted", "txZMQ", "pyzmq", "msgspec", "numpy")
"""The packages on which the daemon's figures depend."""


def load() -> str:
    """Return one line on the machine's load: the figures of a busy machine are too high."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} CPUs"


def machine() -> str:
    """Return one line on the processor, the number of processors, the system and Python."""
    return (
        f"{_processor()}, {os.cpu_count()} CPUs, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def versions(*packages: str) -> str:
    """Return one line on the versions of those packages that are installed."""
    return ", ".join(f"{name} {found}" for name in packages if (found := _version(name)))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a simple table of reStructuredText; the first column is left-aligned, others right.

    No cell of the first column may be empty.
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    lines = [_line(row, widths) for row in (head, *rows)]
    return "\n".join([rule, lines[0], rule, *lines[1:], rule])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        cell.rjust(width) if index else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join((first, *others)).rstrip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
