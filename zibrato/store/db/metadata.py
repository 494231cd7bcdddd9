"""Metric metadata: type, attributes and whatever else is known of a name except measurements.

`type` is Librato's: a gauge, a counter (a reading of a running total), or a composite.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypedDict

from zibrato.files.sqlite_file import transaction
from zibrato.model import GAUGE
from zibrato.store.db import metric_bounds
from zibrato.store.db.errors import InvalidValueError, NotFoundError
from zibrato.store.db.losses import Losses
from zibrato.store.db.soundness import OpenFile, decoded
from zibrato.store.db.writer import Writer

Row = tuple[str, str, str | None, str | None, int | None, str | None, str]
SUMMARIZE = "summarize_function"
UNITS = ("display_units_short", "display_units_long")
"""The attributes for the unit of a metric's values; the first one is preferred."""
COMPOSITE = "composite"
COUNTER_TYPE = "counter"
TYPES = (GAUGE, COUNTER_TYPE, COMPOSITE)
MAX_ATTRIBUTES = 64_000
"""The most bytes of a metric's attributes as JSON; each request adds to those that are there."""
MAX_DESCRIPTIONS = 20_000
"""For how many metrics a page or a scrape gets metadata: the first ones by name."""
_COLUMNS = "name, type, display_name, description, period, composite, attributes"
_NAMED = f"SELECT {_COLUMNS} FROM metric WHERE name IN (SELECT value FROM json_each(?))"  # noqa: S608 - only constants
_LIKE = "WHERE name LIKE ? ESCAPE '\\'"
_PAGE = f"SELECT {_COLUMNS} FROM metric {_LIKE} ORDER BY name {{}} LIMIT ? OFFSET ?"  # noqa: S608 - only constants
_TOTAL = "SELECT count(*) FROM metric"
_COUNT = f"SELECT count(*) FROM metric {_LIKE}"  # noqa: S608 - only constants
_PUT = """
    INSERT INTO metric
        (name, type, display_name, description, period, composite, attributes, described)
    VALUES (:name, :type, :display_name, :description, :period, :composite, :attributes, 1)
    ON CONFLICT (name) DO UPDATE SET type = excluded.type, display_name = excluded.display_name,
        description = excluded.description, period = excluded.period,
        composite = excluded.composite, attributes = excluded.attributes, described = 1
"""


class Metric(NamedTuple):
    """A metric's name and metadata; `period` is in seconds."""

    name: str
    type: str = GAUGE
    display_name: str | None = None
    description: str | None = None
    period: int | None = None
    composite: str | None = None
    attributes: Mapping[str, object] = {}

    @property
    def summed(self) -> bool:
        """Whether the metric's measurements are to be added up."""
        return self.attributes.get(SUMMARIZE) == "sum"

    def content(self) -> dict[str, object]:
        """Return the metric's fields by name; `composite` is included only for a composite."""
        shown = self._asdict()
        if self.type != COMPOSITE:
            del shown["composite"]
        return shown


class MetricFields(TypedDict, total=False):
    """The fields of a metric that a request sets."""

    type: str
    display_name: str | None
    description: str | None
    period: int | None
    composite: str | None
    attributes: Mapping[str, object]


def metrics(file: OpenFile, names: Iterable[str]) -> dict[str, Metric]:
    """Return those of the named metrics that exist, by lower-case name."""
    wanted = list(names)
    return {
        metric.name.lower(): metric
        for start in range(0, len(wanted), 1000)
        for row in file.connection.execute(_NAMED, (json.dumps(wanted[start : start + 1000]),))
        for metric in [_metric(row, file.losses)]
    }


def metric(file: OpenFile, name: str) -> Metric:
    """Return the metric; raises NotFoundError."""
    stored = metrics(file, [name])
    if not stored:
        raise NotFoundError
    return stored[name.lower()]


def page(
    file: OpenFile, search: str, offset: int, length: int, descending: bool = False
) -> tuple[int, int, list[Metric]]:
    """Return how many metrics there are, how many have `search` in their name, and a page of these.

    The page has at most `length` metrics, sorted by name.
    """
    pattern = f"%{_escaped(search)}%"
    (total,) = file.connection.execute(_TOTAL).fetchone()
    (found,) = file.connection.execute(_COUNT, (pattern,)).fetchone()
    rows = file.connection.execute(
        _PAGE.format("DESC" if descending else "ASC"), (pattern, length, offset)
    )
    return total, found, [_metric(row, file.losses) for row in rows]


def matching(file: OpenFile, patterns: Iterable[str], exclude: Iterable[str] = ()) -> list[str]:
    """Return the names of all metrics that match one of the patterns, and none of `exclude`.

    A * in a pattern stands for any text.
    """
    return sorted(_like(file.connection, patterns) - _like(file.connection, exclude))


def put(writer: Writer, name: str, fields: MetricFields) -> Metric:
    """Change a metric by `fields`, and return it; with a type, a missing metric is made.

    Attributes are added to the existing ones. Raises NotFoundError; raises InvalidValueError if the
    metric has another type or too many attributes, or if all metadata would take too much room.
    """
    return put_many(writer, [name], fields)[0]


def put_many(writer: Writer, names: Sequence[str], fields: MetricFields) -> list[Metric]:
    """Change several metrics, all or none, as `put` does, and return them."""
    stored = metrics(writer, names)
    changed = [_changed(name, stored.get(name.lower()), fields) for name in names]
    with transaction(writer.connection):
        write(writer, changed)
    return changed


def add_units(writer: Writer, units: Mapping[str, str]) -> list[Metric]:
    """Store the units of those named metrics that have none yet; return these metrics.

    If there isn't room for all of them, none is stored.
    """
    stored = metrics(writer, units)
    described = [
        metric._replace(attributes=joined_attributes(metric, {UNITS[0]: unit}))
        for name, unit in units.items()
        for metric in [stored.get(name.lower()) or Metric(name)]
        if not any(metric.attributes.get(unit_name) for unit_name in UNITS)
    ]
    try:
        with transaction(writer.connection):
            write(writer, described)
    except InvalidValueError as error:
        writer.losses.rejected_units(error.messages[0])
        return []
    return described


def joined_attributes(metric: Metric, added: Mapping[str, object]) -> Mapping[str, object]:
    """Add attributes to a metric's; raises InvalidValueError if they become too many.

    Attributes that are beyond the bound, in a file from before there was one, stay as they are.
    """
    joined = {**metric.attributes, **added}
    if joined == metric.attributes:
        return metric.attributes
    size = len(json.dumps(joined))
    if size > MAX_ATTRIBUTES:
        reason = f"of {metric.name} would take {size:,} bytes, of {MAX_ATTRIBUTES:,} at most"
        raise InvalidValueError("attributes", reason)
    return joined


def write(writer: Writer, changed: Iterable[Metric]) -> None:
    """Write metrics; raises InvalidValueError if they would take too much room."""
    before = metric_bounds.described(writer.connection)
    writer.connection.executemany(_PUT, map(_row, changed))
    metric_bounds.check(writer.connection, before)


def _changed(name: str, before: Metric | None, fields: MetricFields) -> Metric:
    if before is None and "type" not in fields:
        raise NotFoundError
    base = before or Metric(name)
    changed = base._replace(**fields)
    if before is not None and changed.type != before.type:
        raise InvalidValueError("type", f"is {before.type} already")
    return changed._replace(attributes=joined_attributes(base, changed.attributes))


def _row(metric: Metric) -> dict[str, object]:
    return {**metric._asdict(), "attributes": json.dumps(metric.attributes)}


def _metric(row: Row, losses: Losses) -> Metric:
    stored = decoded(row[6], dict[str, object])
    if stored is None:
        losses.corrupt_text("attributes", f"metric {row[0]}")
    return Metric(*row[:6], stored or {})


def _like(connection: sqlite3.Connection, patterns: Iterable[str]) -> set[str]:
    query = f"SELECT name FROM metric {_LIKE}"  # noqa: S608 - only constants
    return {
        name
        for pattern in patterns
        for (name,) in connection.execute(query, (_escaped(pattern).replace("*", "%"),))
    }


def _escaped(text: str) -> str:
    # Replace the backslash first, or those that are added for the others would be doubled.
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return text
