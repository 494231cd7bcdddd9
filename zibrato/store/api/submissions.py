"""Convert measurements in requests of Librato's clients to what the store keeps; pure."""

from __future__ import annotations

import re
from math import nan

from zibrato.model import GAUGE, MAX_EXACT_INT, Summary, bounded
from zibrato.store.api.descriptions import about
from zibrato.store.api.requests import (
    Content,
    integer,
    number,
    number_or,
    objects,
    reject_unknown,
    required_name,
    required_source,
)
from zibrato.store.api.responses import bad_parameter, bad_request
from zibrato.store.db.metadata import COUNTER_TYPE
from zibrato.store.db.submissions import Submission

MAX_AGE = 7200
MAX_AHEAD = 300
"""How many seconds a measurement may be in the past and in the future; `MAX_AGE` is Librato's."""
MAX_TAGS = 50
_TAG_NAME = re.compile(r"[-.:\w]{1,64}", re.A)
_TAG_VALUE = re.compile(r"[-.:\w?/\\ ]{1,255}")
_SUMMED = ("count", "sum", "min", "max", "sum_squares", "last", "stddev", "stddev_m2")
_ABOUT = ("attributes", "display_name", "description", "period")
_LEGACY = {"name", "value", "measure_time", "source", *_ABOUT, *_SUMMED}
_LEGACY_TOP = {"gauges", "counters", "measure_time", "source", "period"}
_TAGGED = {"name", "value", "time", "tags", *_ABOUT, *_SUMMED}
_TAGGED_TOP = {"measurements", "tags", "time", "period"}


def legacy(content: Content, now: float) -> list[Submission]:
    """Return the measurements of gauges and counters; raises one ApiError for all invalid ones."""
    reject_unknown(content, _LEGACY_TOP)
    measurements = [
        (kind, measurement)
        for kind, param in ((GAUGE, "gauges"), (COUNTER_TYPE, "counters"))
        for measurement in objects(content.get(param) or [], param)
    ]
    if not measurements:
        raise bad_request("The request has no measurements: give gauges or counters")
    return [_legacy(kind, measurement, content, now) for kind, measurement in measurements]


def tagged(content: Content, now: float) -> list[Submission]:
    """Return the measurements with tags; raises one ApiError for all invalid ones."""
    reject_unknown(content, _TAGGED_TOP)
    measurements = objects(content.get("measurements") or [], "measurements")
    if not measurements:
        raise bad_parameter("measurements", "is not present")
    return [_tagged(measurement, content, now) for measurement in measurements]


def _legacy(kind: str, measurement: Content, top: Content, now: float) -> Submission:
    reject_unknown(measurement, _LEGACY)
    name = required_name(measurement, "name")
    merged = _merged(top, measurement, "source", "measure_time", "period")
    source = required_source(merged, "source") if merged["source"] is not None else ""
    when = _time(merged, "measure_time", now)
    summary = _summary(measurement)
    if kind == COUNTER_TYPE and "value" not in measurement:
        raise bad_parameter("value", "is not present")
    return Submission(kind, name, source, (), when, summary, about(merged))


def _tagged(measurement: Content, top: Content, now: float) -> Submission:
    """Return a measurement; its tags replace those that are given for all measurements.

    A tag `source` is a tag: Librato kept its series apart from those that were posted with a
    source.
    """
    reject_unknown(measurement, _TAGGED)
    tags = _tags(measurement.get("tags") or top.get("tags") or {})
    merged = _merged(top, measurement, "time", "period")
    when = _time(merged, "time", now)
    name = required_name(measurement, "name")
    pairs = tuple(sorted(tags.items()))
    return Submission(GAUGE, name, "", pairs, when, _summary(measurement), about(merged))


def _merged(top: Content, measurement: Content, *inherited: str) -> Content:
    """Return a measurement's fields, with the defaults that are given for all measurements."""
    own = {param: value for param, value in measurement.items() if value is not None}
    return {**{param: top.get(param) for param in inherited}, **own}


def _time(content: Content, param: str, now: float) -> int:
    when = number(content, param)
    if when is None:
        return int(now)
    if when < now - MAX_AGE:
        raise bad_parameter(param, "is too far in the past")
    if when > now + MAX_AHEAD:
        raise bad_parameter(param, "is in the future")
    return int(when)  # many clients send the float `time.time()`; Librato has whole seconds


def _tags(tags: object) -> dict[str, str]:
    if not isinstance(tags, dict):
        raise bad_parameter("tags", "is not an object")
    if len(tags) > MAX_TAGS:
        raise bad_parameter("tags", f"are more than {MAX_TAGS}")
    return {
        _tag_name(name).lower(): _tag_value(name, value).lower()
        for name, value in tags.items()
        if value is not None
    }


def _tag_name(name: str) -> str:
    if not _TAG_NAME.fullmatch(name):
        raise bad_parameter("tags", f"{name} is an invalid name")
    return name


def _tag_value(name: str, value: object) -> str:
    """Return a tag's value, which may be given as a number, such as a port."""
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
    if not isinstance(text, str) or not _TAG_VALUE.fullmatch(text):
        raise bad_parameter("tags", f"{name} has an invalid value")
    return text


def _summary(measurement: Content) -> Summary:
    """Return the summary of `value`, or of `count` and `sum` and further fields."""
    value = number(measurement, "value")
    summed = [param for param in _SUMMED if number(measurement, param) is not None]
    if value is not None and summed:
        raise bad_parameter("value", "excludes count and sum")
    if value is not None:
        return Summary(1, value, value, value, bounded(value * value), value)
    if "sum" not in summed and "count" not in summed:
        raise bad_parameter("value", "is not present")
    return _summary_of_sum(measurement)


def _summary_of_sum(measurement: Content) -> Summary:
    """Return the summary of `count` and `sum`; the defaults of min and max are the mean.

    The sum of squares and the last value are NaN if they can't be derived.
    """
    count, total = integer(measurement, "count"), number(measurement, "sum")
    if count is None:
        raise bad_parameter("count", "is not present")
    if total is None:
        raise bad_parameter("sum", "is not present")
    if not 0 < count <= MAX_EXACT_INT:
        raise bad_parameter("count", "is not a positive integer")
    mean = total / count
    least, most = number_or(measurement, "min", mean), number_or(measurement, "max", mean)
    if least > most:
        raise bad_parameter("min", "is above max")
    last = number_or(measurement, "last", mean if count == 1 else nan)
    return Summary(count, total, least, most, _squares(measurement, count, mean, total), last)


def _squares(measurement: Content, count: int, mean: float, total: float) -> float:
    """Return the sum of squares, which may be derived from `stddev` or `stddev_m2`.

    `stddev` is the population's standard deviation. `stddev_m2` is the sum of the squared
    differences from the mean, as in Librato's documentation.
    """
    squares, deviation, differences = (
        number(measurement, param) for param in ("sum_squares", "stddev", "stddev_m2")
    )
    if deviation is not None and differences is not None:
        raise bad_parameter("stddev", "excludes stddev_m2")
    if squares is not None:
        return squares
    if deviation is not None:
        differences = count * deviation * deviation
    if differences is not None:
        return bounded(differences + mean * total)
    return bounded(mean * total) if count == 1 else nan
