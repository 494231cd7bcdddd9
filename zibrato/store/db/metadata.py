"""What is known of metrics beside their measurements: type, names for people, attributes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from zibrato.model import COUNTER, GAUGE, Series
from zibrato.store.api.requests import Content, whole
from zibrato.store.api.responses import bad, not_found
from zibrato.store.api.submissions import COUNTER_TYPE, Posted
from zibrato.store.db.schema import transaction
from zibrato.store.db.writer import Writer

SUMMARIZE = "summarize_function"
COMPOSITE = "composite"
TYPES = (GAUGE, COUNTER_TYPE, COMPOSITE)
_COLUMNS = "name, type, display_name, description, period, composite, attributes"
_NAMED = f"SELECT {_COLUMNS} FROM metric WHERE name IN (SELECT value FROM json_each(?))"  # noqa: S608
_LIKE = "WHERE name LIKE ? ESCAPE '\\'"
_PAGE = f"SELECT {_COLUMNS} FROM metric {_LIKE} ORDER BY name {{}} LIMIT ? OFFSET ?"  # noqa: S608
_COUNT = f"SELECT count(*) FROM metric {_LIKE}"  # noqa: S608 - all ours
_PUT = """
    INSERT INTO metric (name, type, display_name, description, period, composite, attributes)
    VALUES (:name, :type, :display_name, :description, :period, :composite, :attributes)
    ON CONFLICT (name) DO UPDATE SET type = excluded.type, display_name = excluded.display_name,
        description = excluded.description, period = excluded.period,
        composite = excluded.composite, attributes = excluded.attributes
"""


class Metric(NamedTuple):
    """A name, and what the API has to say of it; `period` is in seconds."""

    name: str
    type: str = GAUGE
    display_name: str | None = None
    description: str | None = None
    period: int | None = None
    composite: str | None = None
    attributes: Mapping[str, Any] = {}

    @property
    def summed(self) -> bool:
        """Whether its measurements are to be added up."""
        return self.attributes.get(SUMMARIZE) == "sum"

    def content(self) -> Content:
        """Return it as the API shows it."""
        shown = self._asdict()
        if self.type != COMPOSITE:
            del shown["composite"]
        return shown


def metrics(connection: sqlite3.Connection, names: Iterable[str]) -> dict[str, Metric]:
    """Return those of the named metrics that there are, by lower-case name."""
    wanted = list(names)
    return {
        metric.name.lower(): metric
        for start in range(0, len(wanted), 1000)
        for row in connection.execute(_NAMED, (json.dumps(wanted[start : start + 1000]),))
        for metric in [_metric(row)]
    }


def metric(connection: sqlite3.Connection, name: str) -> Metric:
    """Return the metric; raises ApiError where there is none."""
    found = metrics(connection, [name]).get(name.lower())
    if found is None:
        raise not_found()
    return found


def page(
    connection: sqlite3.Connection, search: str, offset: int, length: int, descending: bool = False
) -> tuple[int, list[Metric]]:
    """Return how many metrics have `search` in their name, and `length` of them, sorted."""
    pattern = f"%{_escaped(search)}%"
    (total,) = connection.execute(_COUNT, (pattern,)).fetchone()
    query = _PAGE.format("DESC" if descending else "ASC")
    return total, [_metric(row) for row in connection.execute(query, (pattern, length, offset))]


def matching(connection: sqlite3.Connection, patterns: Iterable[str]) -> list[str]:
    """Return the names of all metrics that match any of the patterns, in which * is anything."""
    names: set[str] = set()
    for pattern in patterns:
        like = _escaped(pattern).replace("*", "%")
        names.update(
            name
            for (name,) in connection.execute(f"SELECT name FROM metric {_LIKE}", (like,))  # noqa: S608
        )
    return sorted(names)


def put(writer: Writer, name: str, content: Content) -> Metric:
    """Return the metric with what `content` says of it; one is made where a type is given."""
    found = metrics(writer.connection, [name]).get(name.lower())
    kind = content.get("type")
    if kind is not None and kind not in TYPES:
        raise bad("type", f"is none of {', '.join(TYPES)}")
    if found is None and kind is None:
        raise not_found()
    base = found or Metric(name)
    if found is not None and kind not in {None, found.type}:
        raise bad("type", f"is {found.type} already")
    changed = base._replace(
        type=kind or base.type,
        display_name=_text(content, "display_name", base.display_name),
        description=_text(content, "description", base.description),
        period=whole(content, "period") if "period" in content else base.period,
        composite=_text(content, "composite", base.composite),
        attributes={**base.attributes, **_object(content, "attributes")},
    )
    with transaction(writer.connection):
        writer.connection.execute(_PUT, _row(changed))
    return changed


def add_posted(writer: Writer, posted: Sequence[Posted]) -> list[tuple[int, Series]]:
    """Keep the measurements of a post, all or none; return number and series of each.

    What is posted to be summed up is a counter of ours; Librato's counter is a reading.
    """
    known = metrics(writer.connection, {each.name for each in posted})
    series = []
    described: dict[str, Content] = {}
    for each in posted:
        before = known.get(each.name.lower())
        if before is not None and before.type != each.type:
            raise bad("name", f"{each.name} is a metric of another type")
        after = _described(each, before)
        if after != before:
            known[after.name.lower()] = after
            described[after.name.lower()] = _row(after)
        plain = each.summary.min == each.summary.max == each.summary.last
        kind = COUNTER if after.summed and plain and each.type == GAUGE else GAUGE
        series.append(Series(kind, after.name, each.source, each.tags))
    points = [(s, each.when, each.summary) for s, each in zip(series, posted, strict=True)]
    numbers = writer.add(points, lambda: writer.connection.executemany(_PUT, described.values()))
    return list(zip(numbers, series, strict=True))


def _described(each: Posted, before: Metric | None) -> Metric:
    """Return what is known of the metric of a measurement; what it says fills gaps only."""
    base = before or Metric(each.name, each.type)
    about = each.about
    if not about:
        return base
    return base._replace(
        attributes={**base.attributes, **about.get("attributes", {})},
        display_name=base.display_name or about.get("display_name"),
        description=base.description or about.get("description"),
        period=base.period or whole(about, "period"),
    )


def _row(metric: Metric) -> Content:
    return {**metric._asdict(), "attributes": json.dumps(metric.attributes)}


def _metric(row: Sequence[Any]) -> Metric:
    name, kind, shown, description, period, composite, attributes = row
    return Metric(name, kind, shown, description, period, composite, json.loads(attributes))


def _object(content: Content, param: str) -> Content:
    value = content.get(param) or {}
    if not isinstance(value, dict):
        raise bad(param, "is not an object")
    return value


def _text(content: Content, param: str, before: str | None) -> str | None:
    value = content.get(param, before)
    if value is not None and (not isinstance(value, str) or len(value) > 10_000):
        raise bad(param, "is no text")
    return value


def _escaped(text: str) -> str:
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return text
