"""Format numbers for people: short, and with a unit."""

from __future__ import annotations

from math import isfinite

_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_THOUSANDS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def duration(seconds: float) -> str:
    """Format a duration in its two largest units, such as `3d 4h`."""
    left, parts = max(int(seconds), 0), list[str]()
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def size(count: float) -> str:
    """Format bytes, such as `1.5 GiB`."""
    for unit in _BYTES[:-1]:
        if count < 1024:
            return f"{_short(count)} {unit}"
        count /= 1024
    return f"{_short(count)} {_BYTES[-1]}"


def number(value: float | None) -> str:
    """Format a number in at most seven characters, such as `12.5`, `34.1M` or `127µ`."""
    if value is None:
        return "-"
    if not isfinite(value):
        return str(value)
    for factor, unit in _THOUSANDS:
        if abs(value) >= max(factor, 1e4):
            return f"{value / factor:.3g}{unit}" if abs(value) < 1e15 else f"{value:.2g}"
    if 0 < abs(value) < 1e-3:
        return f"{value * 1e6:.3g}µ" if abs(value) >= 1e-6 else f"{value:.2g}"
    return _short(value)


def _short(value: float) -> str:
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"
