"""What Librato rejects of a post of measurements, as its documents and clients have it; pure.

Stricter than lenient where they leave it open: a mapping that is only nearly right must fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from math import isclose, isfinite
from typing import Any, NoReturn

MAX_MEASUREMENTS = 300
MAX_AGE = 120 * 60
MAX_AHEAD = 5 * 60
TEXT = re.compile(r"[A-Za-z0-9.:\-_]{1,255}")

_TOP = {"gauges", "counters", "source", "measure_time"}
_COMMON = {
    "name", "source", "measure_time", "value", "period",
    "display_name", "description", "attributes",
}  # fmt: skip
_SUMMARY = {"count", "sum", "min", "max", "sum_squares"}
_KNOWN = {"gauges": _COMMON | _SUMMARY, "counters": _COMMON}

Measurement = dict[str, Any]


class ApiError(Exception):
    """A request is rejected: `status`, and the `errors` of its JSON body."""

    def __init__(self, status: int, errors: Any) -> None:
        super().__init__(status, errors)
        self.status = status
        self.errors = errors


def measurements(body: bytes, now: float, types: Mapping[str, str]) -> list[Measurement]:
    """Return the measurements of `body`, source and time filled in, and the list as `type`.

    `now` is the Unix time and `types` the type of each known lower-case name. Raises ApiError for
    all of it where one thing is wrong.
    """
    content = _content(body)
    _check_parameters(content, _TOP, "request")
    entries = [
        (kind, entry) for kind in ("gauges", "counters") for entry in _list(content.get(kind, []))
    ]
    if not entries:
        _reject("request", ["The request has no measurements"])
    if len(entries) > MAX_MEASUREMENTS:
        raise ApiError(413, {"request": [f"more than {MAX_MEASUREMENTS} measurements"]})
    result = [_measurement(kind, entry, content, now) for kind, entry in entries]
    _distinct(result)
    for entry in result:
        if types.get(entry["name"].lower(), entry["type"]) != entry["type"]:
            _reject("name", [f"{entry['name']} is a metric of another type"])
    return result


def _reject(param: str, errors: Any) -> NoReturn:
    raise ApiError(400, {"request": errors} if param == "request" else {"params": {param: errors}})


def _content(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body, parse_constant=_no_constant)
    except ValueError as error:
        _reject("request", f"not JSON: {error}")
    if not isinstance(content, dict):
        _reject("request", "not an object")
    return content


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _list(value: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(value, list):
        _reject("request", ["gauges and counters must be arrays"])
    for entry in value:
        if not isinstance(entry, dict):
            _reject("request", ["a measurement must be an object"])
        yield entry


def _check_parameters(content: Mapping[str, Any], parameters: set[str], where: str) -> None:
    for key in content:
        if key not in parameters:
            _reject(key, [f"is not a known parameter of a {where}"])


def _measurement(
    kind: str, entry: dict[str, Any], top: Mapping[str, Any], now: float
) -> Measurement:
    _check_parameters(entry, _KNOWN[kind], "measurement")
    source = entry.get("source", top.get("source"))
    _text("name", entry.get("name"))
    if source is not None:
        _text("source", source)
        if source.lower() == "all":
            _reject("source", ["is reserved"])
    for key in (*_SUMMARY, "value"):
        if key in entry and not _is_number(entry[key]):
            _reject(key, ["is not a number"])
    when = entry.get("measure_time", top.get("measure_time", int(now)))
    _time(when, now)
    _amount(kind, entry)
    if not isinstance(entry.get("attributes", {}), dict):
        _reject("attributes", ["is not an object"])
    return {**entry, "type": kind, "source": source, "measure_time": when}


def _text(param: str, value: Any) -> None:
    if value is None:
        _reject(param, ["is not present"])
    if not isinstance(value, str) or not TEXT.fullmatch(value):
        _reject(param, ["is invalid"])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def _time(when: Any, now: float) -> None:
    if not isinstance(when, int) or isinstance(when, bool):
        _reject("measure_time", ["is not an integer"])
    if when < now - MAX_AGE:
        _reject("measure_time", ["is too far in the past"])
    if when > now + MAX_AHEAD:
        _reject("measure_time", ["is in the future"])


def _amount(kind: str, entry: Mapping[str, Any]) -> None:
    """Reject all but either `value` or `count` with `sum`, and what contradicts itself."""
    summed = _SUMMARY.intersection(entry)
    if ("value" in entry) == bool(summed) or (kind == "counters" and summed):
        _reject("value", ["is not present" if "value" not in entry else "excludes count and sum"])
    if not summed:
        return
    if not {"count", "sum"} <= summed:
        _reject("sum", ["count and sum need one another"])
    count, total = entry["count"], entry["sum"]
    if not isinstance(count, int) or count < 1:
        _reject("count", ["is not a positive integer"])
    mean = total / count
    least, most = entry.get("min", mean), entry.get("max", mean)
    if not (_at_most(least, mean) and _at_most(mean, most)):
        _reject("sum", ["is not between count times min and count times max"])
    if "sum_squares" in entry and not _at_most(mean * total, entry["sum_squares"]):
        _reject("sum_squares", ["is less than these count and sum allow"])


def _at_most(one: float, two: float) -> bool:
    return one <= two or isclose(one, two, rel_tol=1e-9, abs_tol=1e-12)


def _distinct(result: list[Measurement]) -> None:
    seen = set()
    for entry in result:
        key = (entry["name"].lower(), (entry["source"] or "").lower(), entry["measure_time"])
        if key in seen:
            _reject("name", [f"{entry['name']} occurs twice for one source and time"])
        seen.add(key)
