"""Posts of measurements, as Librato's clients send them, to what the store keeps; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zibrato.model import GAUGE, MAX_EXACT_INT, Summary, bounded
from zibrato.store.api.requests import Content, listed, number, optional_text, whole
from zibrato.store.api.responses import bad, bad_request
from zibrato.store.db.metadata import COUNTER_TYPE, TYPES, MetricFields, Submission

MAX_AGE = 7200
MAX_AHEAD = 300
MAX_TAGS = 50
UNASSIGNED = "unassigned"
"""What Librato calls the source of a measurement that names none."""
_TEXT = re.compile(r"[A-Za-z0-9.:_-]{1,255}")
_TAG_NAME = re.compile(r"[-.:\w]{1,64}", re.A)
_TAG_VALUE = re.compile(r"[-.:\w?/\\ ]{1,255}")
_SUMMED = ("count", "sum", "min", "max", "sum_squares", "last", "stddev", "stddev_m2")
_TAGGED = {"name", "value", "time", "tags", "period", "attributes", *_SUMMED}
_TAGGED_TOP = {"measurements", "tags", "time", "period"}


def legacy(content: Content, now: float) -> list[Submission]:
    """Return the measurements of a post of gauges and counters; raises ApiError for them all."""
    found = [
        (kind, each)
        for kind, param in ((GAUGE, "gauges"), (COUNTER_TYPE, "counters"))
        for each in listed(content.get(param) or [], param)
    ]
    if not found:
        raise bad_request("The request has no measurements: give gauges or counters")
    return [_legacy(kind, each, content, now) for kind, each in found]


def tagged(content: Content, now: float) -> list[Submission]:
    """Return the measurements of a post of tagged ones; raises ApiError for them all."""
    _known(content, _TAGGED_TOP)
    found = listed(content.get("measurements") or [], "measurements")
    if not found:
        raise bad("measurements", "is not present")
    return [_tagged(each, content, now) for each in found]


def text(content: Mapping[str, Any], param: str) -> str:
    """Return a name or source, which must be there and be legal."""
    value = content.get(param)
    if value is None or value == "":
        raise bad(param, "is not present")
    if not isinstance(value, str) or not _TEXT.fullmatch(value):
        raise bad(param, "is invalid: 1 to 255 of A-Z a-z 0-9 . : - _")
    return value


def metric_fields(content: Content) -> MetricFields:
    """Return what a request says of a metric; null takes a text or the period away."""
    fields: MetricFields = {}
    if content.get("type") is not None:
        fields["type"] = _type(content["type"])
    if "display_name" in content:
        fields["display_name"] = optional_text(content, "display_name")
    if "description" in content:
        fields["description"] = optional_text(content, "description")
    if "period" in content:
        fields["period"] = whole(content, "period")
    if "composite" in content:
        fields["composite"] = optional_text(content, "composite")
    attributes = content.get("attributes") or {}
    if not isinstance(attributes, dict):
        raise bad("attributes", "is not an object")
    fields["attributes"] = attributes
    return fields


def _type(value: object) -> str:
    for known in TYPES:
        if value == known:
            return known
    raise bad("type", f"is none of {', '.join(TYPES)}")


def _legacy(kind: str, each: Content, top: Content, now: float) -> Submission:
    name = text(each, "name")
    inherited = {"source": top.get("source"), "measure_time": top.get("measure_time")}
    merged = {**inherited, **{key: value for key, value in each.items() if value is not None}}
    source = text(merged, "source") if merged["source"] is not None else ""
    if source.lower() == "all":
        raise bad("source", "is reserved")
    when = _time(merged, "measure_time", now)
    summary = _summary(each)
    if kind == COUNTER_TYPE and "value" not in each:
        raise bad("value", "is not present")
    return Submission(kind, name, source, (), when, summary, _about(each))


def _tagged(each: Content, top: Content, now: float) -> Submission:
    _known(each, _TAGGED)
    own = each.get("tags")
    tags = _tags(own if own else top.get("tags") or {})
    source = tags.pop("source", "")
    merged = {"time": top.get("time"), **each}
    when = _time(merged, "time", now)
    name = text(each, "name")
    return Submission(
        GAUGE, name, source, tuple(sorted(tags.items())), when, _summary(each), _about(each)
    )


def _known(content: Content, known: set[str]) -> None:
    for param in content:
        if param not in known:
            raise bad(param, "is not a known parameter")


def _time(content: Mapping[str, Any], param: str, now: float) -> int:
    when = whole(content, param)
    if when is None:
        return int(now)
    if when < now - MAX_AGE:
        raise bad(param, "is too far in the past")
    if when > now + MAX_AHEAD:
        raise bad(param, "is in the future")
    return when


def _about(each: Content) -> MetricFields:
    """Return what a measurement says of its metric; null says nothing."""
    if not isinstance(each.get("attributes"), dict | None):
        raise bad("attributes", "is not an object")
    for param in ("display_name", "description"):
        if not isinstance(each.get(param), str | None):
            raise bad(param, "is no text")
    fields = MetricFields(
        attributes=each.get("attributes") or {},
        display_name=each.get("display_name"),
        description=each.get("description"),
        period=whole(each, "period"),
    )
    return fields if any(fields.values()) else {}


def _tags(tags: Any) -> dict[str, str]:
    if not isinstance(tags, dict):
        raise bad("tags", "is not an object")
    if len(tags) > MAX_TAGS:
        raise bad("tags", f"are more than {MAX_TAGS}")
    for name, value in tags.items():
        if not _TAG_NAME.fullmatch(name):
            raise bad("tags", f"{name} is an invalid name")
        if not isinstance(value, str) or not _TAG_VALUE.fullmatch(value):
            raise bad("tags", f"{name} has an invalid value")
    return {name.lower(): value.lower() for name, value in tags.items()}


def _summary(each: Content) -> Summary:
    """Return the summary of `value`, or of `count` and `sum` with what else there is."""
    value = number(each, "value")
    given = {param: number(each, param) for param in _SUMMED if each.get(param) is not None}
    if value is not None and given:
        raise bad("value", "excludes count and sum")
    if value is not None:
        return Summary(1, value, value, value, bounded(value * value), value)
    if "sum" not in given and "count" not in given:
        raise bad("value", "is not present")
    for param in ("count", "sum"):
        if param not in given:
            raise bad(param, "is not present")
    count, total = whole(each, "count") or 0, given["sum"] or 0.0
    if not 0 < count <= MAX_EXACT_INT:
        raise bad("count", "is not a positive integer")
    mean = total / count
    least, most, squares, last = (
        _or(given.get(param), other)
        for param, other in (
            ("min", mean),
            ("max", mean),
            ("sum_squares", bounded(mean * total)),
            ("last", mean),
        )
    )
    if least > most:
        raise bad("min", "is above max")
    return Summary(count, total, least, most, squares, last)


def _or(value: float | None, other: float) -> float:
    return other if value is None else value
