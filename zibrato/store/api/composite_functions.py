"""What the functions of Librato's composite language make of lines; pure.

A function takes a set of lines and returns one, as Librato's language specification has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import isfinite, nan, prod
from typing import Any, NamedTuple

ANY = "*"
MAX_SIZE = 64
"""Librato's bound of a window, in points."""
Points = Mapping[int, float]
Options = dict[str, str]


class Line(NamedTuple):
    """Values by Unix second, in order, of a metric and a source; `period` is in seconds.

    A name that is not the same in all that a line is made of is ANY.
    """

    metric: str
    source: str
    period: int
    points: Points


Work = Callable[[list[Line]], list[Line]]


def points(entries: Iterable[Mapping[str, Any]], function: str | None) -> Points:
    """Return the values of a source's measurements; what a counter hasn't got is left out."""
    if function == "mean":
        return {each["measure_time"]: each["sum"] / each["count"] for each in entries
                if each["count"]}  # fmt: skip
    key = function or "value"
    return {each["measure_time"]: each[key] for each in entries if key in each}


def number(
    options: Options, name: str, default: str, low: float = -1e100, high: float = 1e100
) -> float:
    """Take a number out of the options; raises ValueError."""
    text = options.pop(name, default)
    try:
        value = float(text)
    except ValueError:
        value = nan
    if not low <= value <= high:
        raise ValueError(f"{name}: expected a number from {low:g} to {high:g}, got {text!r}")
    return value


def _across(combine: Callable[[Sequence[float]], float], every: bool, count: int = 0) -> Work:
    """Return what makes one line of all; of `count` lines exactly, if that isn't 0.

    Where `every`, a time at which a line has no value is left out.
    """

    def work(lines: list[Line]) -> list[Line]:
        if not lines or (count and len(lines) != count):
            return []
        values = _by_time(lines)
        full = len(lines) if every else 1
        found = {time: combine(each) for time, each in values.items() if len(each) >= full}
        return [_joined(lines, found)]

    return work


def _by_time(lines: list[Line]) -> dict[int, list[float]]:
    values: dict[int, list[float]] = {}
    for line in lines:
        for time, value in line.points.items():
            values.setdefault(time, []).append(value)
    return {time: values[time] for time in sorted(values)}


def _joined(lines: list[Line], found: Points) -> Line:
    period = max(line.period for line in lines)
    return Line(_common(lines, 0), _common(lines, 1), period, _finite(found))


def _common(lines: list[Line], field: int) -> str:
    names = {str(line[field]) for line in lines}
    return names.pop() if len(names) == 1 else ANY


def _finite(found: Points) -> Points:
    return {time: value for time, value in found.items() if isfinite(value)}


def _each(change: Callable[[Line], Points]) -> Work:
    """Return what changes every line by itself."""
    return lambda lines: [line._replace(points=_finite(change(line))) for line in lines]


def _scale(options: Options) -> Work:
    factor = number(options, "factor", "1")
    return _each(lambda line: {time: value * factor for time, value in line.points.items()})


def _absolute(_options: Options) -> Work:
    return _each(lambda line: {time: abs(value) for time, value in line.points.items()})


def _rate(options: Options) -> Work:
    """Return what makes values of a period values of `duration` seconds."""
    duration = number(options, "duration", "1", 1e-9)
    return _each(
        lambda line: {time: value / line.period * duration for time, value in line.points.items()}
    )


def _derive(options: Options) -> Work:
    """Return what takes the value before from each; with `detect_reset`, no fall is kept."""
    reset = options.pop("detect_reset", "false")
    if reset not in {"true", "false"}:
        raise ValueError(f"detect_reset: expected true or false, got {reset!r}")
    least = 0.0 if reset == "true" else -float("inf")
    return _each(
        lambda line: {
            time: value - before
            for (_, before), (time, value) in pairwise(line.points.items())
            if value - before >= least
        }
    )


def _moving_average(options: Options) -> Work:
    """Return what makes means of `size` points; the first `size` - 1 have none."""
    size = int(number(options, "size", "1", 1, MAX_SIZE))

    def change(line: Line) -> Points:
        times, values = [*line.points], [*line.points.values()]
        return {times[end - 1]: sum(values[end - size : end]) / size
                for end in range(size, len(times) + 1)}  # fmt: skip

    return _each(change)


def _plain(work: Work) -> Callable[[Options], Work]:
    return lambda _options: work


FUNCTIONS: Mapping[str, Callable[[Options], Work]] = {
    "sum": _plain(_across(sum, every=False)),
    "mean": _plain(_across(lambda values: sum(values) / len(values), every=False)),
    "min": _plain(_across(min, every=False)),
    "max": _plain(_across(max, every=False)),
    "multiply": _plain(_across(prod, every=True)),
    "divide": _plain(_across(lambda two: two[0] / two[1] if two[1] else nan, every=True, count=2)),
    "subtract": _plain(_across(lambda two: two[0] - two[1], every=True, count=2)),
    "scale": _scale,
    "rate": _rate,
    "derive": _derive,
    "abs": _absolute,
    "moving_average": _moving_average,
}
"""Each takes the options it knows out of them; raises ValueError."""
