"""Metric metadata in requests: names for people, units and the like; pure."""

from __future__ import annotations

from collections.abc import Mapping

from zibrato.store.api.composite_query import parse
from zibrato.store.api.requests import (
    Content,
    flag,
    integer,
    number,
    optional_text,
    reject_unknown,
)
from zibrato.store.api.responses import bad_parameter
from zibrato.store.api.time_series import SUMMARY_FUNCTIONS
from zibrato.store.db.metadata import SUMMARIZE, TYPES, MetricFields

MAX_DEPTH = 16
_NUMBERS = {"display_max", "display_min"}
_FLAGS = {"display_stacked", "gap_detection", "aggregate"}
_TEXTS = {"color", "display_units_long", "display_units_short", "display_transform"}
_ATTRIBUTES = {*_NUMBERS, *_FLAGS, *_TEXTS, SUMMARIZE, "created_by_ua"}
"""Librato's attributes, which may also be given outside of `attributes`."""
DESCRIBED = {"display_name", "description", "period", "attributes", *_ATTRIBUTES}
_FIELDS = {"name", "type", "composite", *DESCRIBED}


def metric_fields(content: Content) -> MetricFields:
    """Return a request's fields of a metric; null deletes a text or the period."""
    reject_unknown(content, _FIELDS)
    fields: MetricFields = {}
    if content.get("type") is not None:
        fields["type"] = _type(content["type"])
    if "display_name" in content:
        fields["display_name"] = optional_text(content, "display_name")
    if "description" in content:
        fields["description"] = optional_text(content, "description")
    if "period" in content:
        fields["period"] = integer(content, "period")
    if "composite" in content:
        fields["composite"] = _composite(content)
    fields["attributes"] = {**attributes(content), **_beside(content)}
    return fields


def _composite(content: Content) -> str | None:
    """Return the query of a composite, after checking it."""
    text = optional_text(content, "composite")
    if text is not None:
        try:
            parse(text)
        except ValueError as error:
            raise bad_parameter("composite", f"is rejected: {error}") from None
    return text


def about(measurement: Content) -> MetricFields:
    """Return the metadata of a measurement's metric; null sets nothing."""
    fields = MetricFields(
        attributes=attributes(measurement),
        display_name=optional_text(measurement, "display_name"),
        description=optional_text(measurement, "description"),
        period=integer(measurement, "period"),
    )
    return fields if any(fields.values()) else {}


def attributes(content: Content) -> dict[str, object]:
    """Return the attributes of a metric; those that a form has as text are converted."""
    given = content.get("attributes") or {}  # some languages encode an empty object as an array
    if not isinstance(given, dict):
        raise bad_parameter("attributes", "is not an object")
    return _typed(given)


def _is_deep(value: object, depth: int) -> bool:
    """Return whether a value is nested deeper than `depth`; encoding it again might fail."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth < 0 or any(_is_deep(one, depth - 1) for one in inner)


def _beside(content: Content) -> dict[str, object]:
    return _typed({name: content[name] for name in _ATTRIBUTES & content.keys()})


def _typed(given: Mapping[str, object]) -> dict[str, object]:
    if _is_deep(given, MAX_DEPTH):
        raise bad_parameter("attributes", f"are nested more than {MAX_DEPTH} deep")
    return {name: _attribute(given, name, value) for name, value in given.items()}


def _attribute(given: Mapping[str, object], name: str, value: object) -> object:
    if name == SUMMARIZE and value is not None and value not in [*SUMMARY_FUNCTIONS]:
        raise bad_parameter(SUMMARIZE, f"is none of {', '.join(SUMMARY_FUNCTIONS)}")
    if not isinstance(value, str):
        return value
    if name in _NUMBERS:
        return number(given, name) if value else None
    return flag(given, name, False) if name in _FLAGS else value


def _type(value: object) -> str:
    if isinstance(value, str) and value in TYPES:
        return value
    raise bad_parameter("type", f"is none of {', '.join(TYPES)}")
