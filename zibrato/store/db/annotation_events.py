"""Annotations in the store's file: streams of events. An event has a time and maybe a source."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict

from zibrato.files.sqlite_file import transaction
from zibrato.store.db import event_bounds
from zibrato.store.db.errors import InvalidValueError, NotFoundError
from zibrato.store.db.losses import Losses
from zibrato.store.db.soundness import OpenFile, decoded

Link = Mapping[str, object]
"""The JSON object that a client sent as a link: `rel`, `href` and `label`, and possibly more."""
EventRow = tuple[int, str, str, str | None, str, int, int | None, str]
_EVENT = "SELECT id, stream, title, description, source, start_time, end_time, links FROM event "
MAX_BETWEEN = 1000
"""The most events that the page gets: with more, the lines in a plot would touch each other."""
_BETWEEN = "start_time <= :end AND coalesce(end_time, start_time) >= :start"


class Stream(NamedTuple):
    """A stream of events, with its name for people."""

    name: str
    display_name: str | None


class Event(NamedTuple):
    """Something that happened; times are in Unix seconds, and an unknown `source` is empty."""

    id: int
    stream: str
    title: str = ""
    description: str | None = None
    source: str = ""
    start_time: int = 0
    end_time: int | None = None
    links: Sequence[Link] = ()


class EventFields(TypedDict, total=False):
    """The fields of an event that a request sets."""

    title: str
    description: str | None
    source: str
    start_time: int
    end_time: int | None
    links: Sequence[Link]


def streams(
    file: OpenFile, search: str, offset: int, length: int, descending: bool = False
) -> tuple[int, int, list[Stream]]:
    """Return how many streams there are, how many have `search` in their name, and a page of these.

    The page has at most `length` streams, sorted by name.
    """
    every = [
        Stream(*row)
        for row in file.connection.execute("SELECT name, display_name FROM stream ORDER BY name")
    ]
    matching = [one for one in every if search.lower() in one.name.lower()]
    if descending:
        matching.reverse()
    return len(every), len(matching), matching[offset : offset + length]


def stream(file: OpenFile, name: str) -> Stream:
    """Return a stream; raises NotFoundError."""
    query = "SELECT name, display_name FROM stream WHERE name = ?"
    for row in file.connection.execute(query, (name,)):
        return Stream(*row)
    raise NotFoundError


def in_stream(file: OpenFile, name: str, start: float, end: float) -> list[Event]:
    """Return the events of a stream from `start` to `end`, oldest first."""
    values = {"name": name, "start": start, "end": end}
    rows = file.connection.execute(
        f"{_EVENT} WHERE stream = :name AND {_BETWEEN} ORDER BY start_time, id", values
    )
    return [_event(row, file.losses) for row in rows]


def between(file: OpenFile, start: float, end: float) -> list[Event]:
    """Return the events of all streams in a time, oldest first: the last `MAX_BETWEEN` at most."""
    values = {"start": start, "end": end}
    rows = file.connection.execute(
        f"{_EVENT} WHERE {_BETWEEN} ORDER BY start_time DESC, id DESC LIMIT {MAX_BETWEEN}", values
    )
    return [_event(row, file.losses) for row in rows][::-1]


def event(file: OpenFile, name: str, event_id: int) -> Event:
    """Return an event of a stream; raises NotFoundError."""
    query = f"{_EVENT} WHERE stream = ? AND id = ?"
    for row in file.connection.execute(query, (name, event_id)):
        return _event(row, file.losses)
    raise NotFoundError


def create(file: OpenFile, name: str, fields: EventFields) -> Event:
    """Return a new event of a stream; the stream is made if it doesn't exist.

    If a bound is exceeded, the events that were created first are evicted. Raises InvalidValueError
    if the event would end before it starts, if it has too many links, or if there are too many
    streams.
    """
    row = _row(Event(0, name, **fields))
    with transaction(file.connection):
        file.connection.execute(
            "INSERT INTO stream (name) VALUES (?) ON CONFLICT DO NOTHING", (name,)
        )
        event_id = file.connection.execute(
            "INSERT INTO event (stream, source, title, description, start_time, end_time, links) "
            "VALUES (:stream, :source, :title, :description, :start_time, :end_time, :links)",
            row,
        ).lastrowid
        evicted = event_bounds.evict(file.connection, event_id or 0)
    # Only after the commit: if the transaction fails, nothing was evicted.
    file.losses.events_evicted(evicted)
    return event(file, name, event_id or 0)


def change(file: OpenFile, name: str, event_id: int, fields: EventFields) -> Event:
    """Return an event, changed by `fields`; raises what `event` and `create` raise."""
    row = _row(event(file, name, event_id)._replace(**fields))
    with transaction(file.connection):
        file.connection.execute(
            "UPDATE event SET source = :source, title = :title, description = :description, "
            "start_time = :start_time, end_time = :end_time, links = :links WHERE id = :id",
            row,
        )
        evicted = event_bounds.evict(file.connection, event_id)
    file.losses.events_evicted(evicted)
    return event(file, name, event_id)


def add_link(file: OpenFile, name: str, event_id: int, link: Link) -> None:
    """Add a link to an event, replacing one with the same `rel`; raises NotFoundError."""
    others = [
        other for other in event(file, name, event_id).links if other.get("rel") != link["rel"]
    ]
    change(file, name, event_id, {"links": [*others, link]})


def link(file: OpenFile, name: str, event_id: int, rel: str) -> Link:
    """Return the link of an event with this `rel`; raises NotFoundError."""
    for one in event(file, name, event_id).links:
        if one.get("rel") == rel:
            return one
    raise NotFoundError


def delete_link(file: OpenFile, name: str, event_id: int, rel: str) -> None:
    """Delete the link of an event with this `rel`; raises NotFoundError."""
    gone = link(file, name, event_id, rel)
    others = [one for one in event(file, name, event_id).links if one != gone]
    change(file, name, event_id, {"links": others})


def put_stream(file: OpenFile, name: str, display_name: str | None) -> Stream:
    """Set the name for people of a stream, and return the stream; it is made if it doesn't exist.

    If there are too many streams, events are evicted; raises InvalidValueError if that doesn't
    help.
    """
    with transaction(file.connection):
        file.connection.execute(
            "INSERT INTO stream VALUES (?, ?) "
            "ON CONFLICT DO UPDATE SET display_name = excluded.display_name",
            (name, display_name),
        )
        evicted = event_bounds.evict(file.connection)
    file.losses.events_evicted(evicted)
    return stream(file, name)


def delete_stream(file: OpenFile, name: str) -> None:
    """Delete a stream with its events; raises NotFoundError."""
    stream(file, name)
    with transaction(file.connection):
        file.connection.execute("DELETE FROM event WHERE stream = ?", (name,))
        file.connection.execute("DELETE FROM stream WHERE name = ?", (name,))


def delete_event(file: OpenFile, name: str, event_id: int) -> None:
    """Delete an event; raises NotFoundError."""
    event(file, name, event_id)
    with transaction(file.connection):
        file.connection.execute("DELETE FROM event WHERE id = ?", (event_id,))


def _row(event: Event) -> dict[str, object]:
    """Return the columns of an event; raises InvalidValueError."""
    if event.end_time is not None and event.end_time < event.start_time:
        raise InvalidValueError("end_time", "is before start_time")
    links = json.dumps(event.links)
    event_bounds.check_links(links)
    return {**event._asdict(), "links": links}


def _event(row: EventRow, losses: Losses) -> Event:
    links = decoded(row[7], list[dict[str, object]])
    if links is None:
        losses.corrupt_text("links", f"event {row[0]}")
    return Event(*row[:7], links or ())
