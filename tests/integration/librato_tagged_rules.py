"""What the tagged Librato API rejects of a post, as its documents and clients have it; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from math import isclose, isfinite
from typing import Any, NoReturn

from tests.integration.librato_rules import (
    MAX_AGE,
    MAX_AHEAD,
    MAX_MEASUREMENTS,
    TEXT,
    ApiError,
    Measurement,
)

MAX_TAGS = 50
TAG_NAME = re.compile(r"[-.:_A-Za-z0-9]{1,64}")
TAG_VALUE = re.compile(r"[-.:\w?/\\ ]{1,255}")
_TOP = {"measurements", "time", "period", "tags"}
_SUMMARY = {"count", "sum", "min", "max", "last"}
_KNOWN = {"name", "value", "time", "period", "tags", "attributes", *_SUMMARY}


def tagged_measurements(body: bytes, now: float) -> list[Measurement]:
    """Return the measurements of `body`, time and tags filled in; raises ApiError for all of it.

    A tag `source` is shown as source as well.
    """
    try:
        content = json.loads(body, parse_constant=_no_constant)
    except ValueError as error:
        raise ApiError(400, {"request": [f"not JSON: {error}"]}) from None
    _check_known(content, _TOP)
    entries = content.get("measurements") or _reject("measurements", "is not present")
    if len(entries) > MAX_MEASUREMENTS:
        raise ApiError(413, {"request": [f"more than {MAX_MEASUREMENTS} measurements"]})
    result = [_measurement(entry, content, now) for entry in entries]
    keys = {(one["name"].lower(), *sorted(one["tags"].items()), one["time"]) for one in result}
    if len(keys) < len(result):
        _reject("name", "occurs twice for the same tags and time")
    return result


def partial_answer(total: int, errors: Sequence[str]) -> bytes:
    """Return the body of a 202 for a request of which some measurements are rejected."""
    summary = {"total": total, "accepted": total - len(errors), "failed": len(errors)}
    told = [{"param": "name", "value": "?", "reason": error} for error in errors]
    return json.dumps({"measurements": {"summary": summary}, "errors": told}).encode()


def _reject(param: str, error: str) -> NoReturn:
    raise ApiError(400, {"params": {param: [error]}})


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def _check_known(content: Mapping[str, Any], known: set[str]) -> None:
    for key in content:
        if key not in known:
            _reject(key, "is not a known parameter")


def _measurement(entry: dict[str, Any], top: Mapping[str, Any], now: float) -> Measurement:
    _check_known(entry, _KNOWN)
    if not TEXT.fullmatch(entry.get("name", "")):
        _reject("name", "is invalid")
    tags = _tags(entry.get("tags") or top.get("tags") or _reject("tags", "are not present"))
    when = entry.get("time", top.get("time", int(now)))
    if not isinstance(when, int) or not now - MAX_AGE <= when <= now + MAX_AHEAD:
        _reject("time", "is too far in the past or in the future")
    _amount(entry)
    source = tags.get("source")
    return {**entry, "tags": tags, "source": source, "time": when, "measure_time": when}


def _tags(tags: Mapping[str, Any]) -> dict[str, str]:
    if len(tags) > MAX_TAGS:
        _reject("tags", f"are more than {MAX_TAGS}")
    for name, value in tags.items():
        if not TAG_NAME.fullmatch(name) or not TAG_VALUE.fullmatch(value):
            _reject("tags", f"{name} is invalid")
    return {name.lower(): value.lower() for name, value in tags.items()}


def _amount(entry: Mapping[str, Any]) -> None:
    """Reject all but either `value` or `count` with `sum`, and what contradicts itself."""
    summed = _SUMMARY.intersection(entry)
    for key in ({"value"} | summed).intersection(entry):
        if not isinstance(entry[key], int | float) or not isfinite(entry[key]):
            _reject(key, "is not a number")
    if ("value" in entry) == bool(summed):
        _reject("value", "is either not present or beside count and sum")
    if not summed:
        return
    if not {"count", "sum"} <= summed or entry["count"] < 1:
        _reject("count", "and sum need one another")
    mean = entry["sum"] / entry["count"]
    for low, high in ((entry.get("min", mean), mean), (mean, entry.get("max", mean))):
        if low > high and not isclose(low, high, rel_tol=1e-9, abs_tol=1e-12):
            _reject("sum", "is not between count times min and count times max")
