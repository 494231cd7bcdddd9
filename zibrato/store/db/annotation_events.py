"""Annotations in the file: streams of events, each at a time and maybe of a source."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from zibrato.store.api.requests import Content, whole
from zibrato.store.api.responses import bad, not_found
from zibrato.store.api.submissions import UNASSIGNED, text
from zibrato.store.db.schema import transaction

MAX_TEXT = 10_000
_EVENT = "SELECT id, stream, source, title, description, start_time, end_time, links FROM event "
_BETWEEN = "start_time <= :end AND coalesce(end_time, start_time) >= :start ORDER BY start_time"


def streams(
    connection: sqlite3.Connection, search: str, offset: int, length: int
) -> tuple[int, list[Content]]:
    """Return how many streams have `search` in their name, and a page of them."""
    found = [
        {"name": name, "display_name": shown}
        for name, shown in connection.execute("SELECT name, display_name FROM stream ORDER BY name")
        if search.lower() in name.lower()
    ]
    return len(found), found[offset : offset + length]


def stream(connection: sqlite3.Connection, name: str) -> Content:
    """Return a stream; raises ApiError where there is none."""
    query = "SELECT name, display_name FROM stream WHERE name = ?"
    for found, shown in connection.execute(query, (name,)):
        return {"name": found, "display_name": shown}
    raise not_found()


def by_source(
    connection: sqlite3.Connection, name: str, start: float, end: float
) -> dict[str, list[Content]]:
    """Return the events of a stream in a time, by source."""
    values = {"name": name, "start": start, "end": end}
    found: dict[str, list[Content]] = defaultdict(list)
    for row in connection.execute(f"{_EVENT} WHERE stream = :name AND {_BETWEEN}", values):
        event = _event(row)
        found[event["source"] or UNASSIGNED].append(event)
    return found


def between(connection: sqlite3.Connection, start: float, end: float) -> list[Content]:
    """Return the events of all streams in a time, oldest first."""
    rows = connection.execute(f"{_EVENT} WHERE {_BETWEEN}", {"start": start, "end": end})
    return [
        {
            "stream": event["name"],
            "title": event["title"],
            "start": event["start_time"],
            "end": event["end_time"],
            "source": event["source"],
            "description": event["description"],
        }
        for event in map(_event, rows)
    ]


def event(connection: sqlite3.Connection, name: str, number: int) -> Content:
    """Return an event; raises ApiError where there is none."""
    query = f"{_EVENT} WHERE stream = ? AND id = ?"
    for row in connection.execute(query, (name, number)):
        return _event(row)
    raise not_found()


def create(connection: sqlite3.Connection, name: str, content: Content, now: float) -> Content:
    """Return a new event of a stream, which is made where there is none."""
    text({"name": name}, "name")
    row = {**_fields({"start_time": int(now), **_given(content)}), "stream": name}
    with transaction(connection):
        connection.execute("INSERT INTO stream (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
        number = connection.execute(
            "INSERT INTO event (stream, source, title, description, start_time, end_time, links) "
            "VALUES (:stream, :source, :title, :description, :start_time, :end_time, :links)",
            row,
        ).lastrowid
    return event(connection, name, number or 0)


def change(connection: sqlite3.Connection, name: str, number: int, content: Content) -> Content:
    """Return an event with what `content` says of it."""
    before = event(connection, name, number)
    row = {**_fields({**before, **_given(content)}), "id": number}
    with transaction(connection):
        connection.execute(
            "UPDATE event SET source = :source, title = :title, description = :description, "
            "start_time = :start_time, end_time = :end_time, links = :links WHERE id = :id",
            row,
        )
    return event(connection, name, number)


def link(connection: sqlite3.Connection, name: str, number: int, content: Content) -> Content:
    """Return a link that was added to an event, in place of one of the same `rel`."""
    rel, href = text(content, "rel"), content.get("href")
    if not isinstance(href, str) or not href.startswith(("http://", "https://")):
        raise bad("href", "is not a URL")
    added = {"rel": rel, "href": href, "label": _text(content, "label")}
    links = [each for each in event(connection, name, number)["links"] if each.get("rel") != rel]
    change(connection, name, number, {"links": [*links, added]})
    return added


def put_stream(connection: sqlite3.Connection, name: str, content: Content) -> Content:
    """Return a stream with its name for people."""
    text({"name": name}, "name")
    with transaction(connection):
        connection.execute(
            "INSERT INTO stream VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET display_name = excluded.display_name",
            (name, _text(content, "display_name")),
        )
    return stream(connection, name)


def delete_stream(connection: sqlite3.Connection, name: str) -> None:
    """Delete a stream with its events; raises ApiError where there is none."""
    stream(connection, name)
    with transaction(connection):
        connection.execute("DELETE FROM event WHERE stream = ?", (name,))
        connection.execute("DELETE FROM stream WHERE name = ?", (name,))


def delete_event(connection: sqlite3.Connection, name: str, number: int) -> None:
    """Delete an event; raises ApiError where there is none."""
    event(connection, name, number)
    with transaction(connection):
        connection.execute("DELETE FROM event WHERE id = ?", (number,))


def _given(content: Content) -> Content:
    return {key: value for key, value in content.items() if value is not None}


def _fields(content: Mapping[str, Any]) -> Content:
    """Return the columns of an event, checked."""
    title = _text(content, "title")
    if not title:
        raise bad("title", "is not present")
    links = content.get("links") or []
    if not isinstance(links, list) or not all(isinstance(each, dict) for each in links):
        raise bad("links", "is not an array of objects")
    start, end = whole(content, "start_time"), whole(content, "end_time")
    if end is not None and start is not None and end < start:
        raise bad("end_time", "is before start_time")
    return {
        "title": title,
        "source": text(content, "source") if content.get("source") else "",
        "description": _text(content, "description"),
        "start_time": start,
        "end_time": end,
        "links": json.dumps(links),
    }


def _text(content: Mapping[str, Any], param: str) -> str | None:
    value = content.get(param)
    if value is not None and (not isinstance(value, str) or len(value) > MAX_TEXT):
        raise bad(param, f"is no text of at most {MAX_TEXT} characters")
    return value


def _event(row: Sequence[Any]) -> Content:
    number, name, source, title, description, start, end, links = row
    return {
        "id": number,
        "name": name,
        "title": title,
        "description": description,
        "source": source or None,
        "start_time": start,
        "end_time": end,
        "links": json.loads(links),
    }
