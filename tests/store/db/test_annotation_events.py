"""Streams of events in the file."""

from __future__ import annotations

import pytest

from tests.store.db.store_file import T0, File
from zibrato.store.db import annotation_events
from zibrato.store.db.annotation_events import Event, EventFields, Stream
from zibrato.store.db.errors import InvalidValueError, NotFoundError
from zibrato.store.db.losses import DROPPED, Losses


def create(file: File, stream: str = "deploys", start: int = T0, **fields: str) -> Event:
    given: EventFields = {"title": "t", "start_time": start}
    if "source" in fields:
        given["source"] = fields["source"]
    return annotation_events.create(file.writer, stream, given)


def test_an_event_comes_back_and_its_stream_is_made(file: File) -> None:
    store = file.writer
    fields: EventFields = {
        "title": "v1", "description": "d", "source": "web-1", "start_time": T0,
        "end_time": T0 + 60, "links": [{"rel": "r", "href": "http://x", "label": None}],
    }  # fmt: skip
    made = annotation_events.create(store, "deploys", fields)
    assert made._asdict() == {"id": made.id, "stream": "deploys", **fields}
    assert annotation_events.event(store, "DEPLOYS", made.id) == made
    assert annotation_events.stream(store, "Deploys") == Stream("deploys", None)


def test_a_change_leaves_what_it_does_not_name(file: File) -> None:
    made = create(file, source="s")
    store = file.writer
    changed = annotation_events.change(store, "deploys", made.id, {"end_time": T0 + 5})
    assert changed == made._replace(end_time=T0 + 5)


def test_an_event_does_not_end_before_it_starts(file: File) -> None:
    made = create(file)
    store = file.writer
    with pytest.raises(InvalidValueError, match="is before start_time") as caught:
        annotation_events.change(store, "deploys", made.id, {"end_time": T0 - 1})
    assert caught.value.param == "end_time"
    annotation_events.change(store, "deploys", made.id, {"end_time": T0})
    with pytest.raises(InvalidValueError):
        annotation_events.change(store, "deploys", made.id, {"start_time": T0 + 1})
    with pytest.raises(InvalidValueError):
        fields: EventFields = {"title": "t", "start_time": T0, "end_time": T0 - 1}
        annotation_events.create(store, "other", fields)
    assert annotation_events.streams(store, "", 0, 9)[0] == 1


def test_a_link_stands_in_for_one_of_the_same_rel(file: File) -> None:
    made = create(file)
    store = file.writer
    for rel, href in (("a", "1"), ("b", "2"), ("a", "3")):
        annotation_events.add_link(store, "deploys", made.id, {"rel": rel, "href": href})
    links = annotation_events.event(store, "deploys", made.id).links
    assert [(link["rel"], link["href"]) for link in links] == [("b", "2"), ("a", "3")]


def test_events_of_a_time_are_those_that_reach_into_it(file: File) -> None:
    store = file.writer
    before, at, after = (create(file, start=T0 + seconds) for seconds in (-100, 0, 100))
    annotation_events.change(store, "deploys", before.id, {"end_time": T0 - 10})
    elsewhere = create(file, "other", T0)

    def ids(start: int, end: int) -> list[int]:
        events = annotation_events.in_stream(store, "DEPLOYS", start, end)
        return [event.id for event in events]

    assert ids(T0 - 9, T0 + 99) == [at.id]
    assert ids(T0 - 10, T0 + 100) == [before.id, at.id, after.id]
    every = annotation_events.between(store, T0 - 9, T0 + 99)
    assert {event.id for event in every} == {at.id, elsewhere.id}


def test_streams_are_sorted_searched_and_paged(file: File) -> None:
    store = file.writer
    for name in ("b.x", "a.x", "c.y", "d.x"):
        create(file, name)
    assert annotation_events.put_stream(store, "A.X", "An x") == Stream("a.x", "An x")
    page = annotation_events.streams(store, ".X", 1, 1)
    assert page == (4, 3, [Stream("b.x", None)])
    backwards = annotation_events.streams(store, "x", 0, 1, descending=True)
    assert backwards == (4, 3, [Stream("d.x", None)])
    assert annotation_events.put_stream(store, "new", None) == Stream("new", None)


def test_what_is_deleted_is_gone_and_nothing_else(file: File) -> None:
    store = file.writer
    one, two = create(file), create(file)
    other = create(file, "other")
    annotation_events.delete_event(store, "deploys", one.id)
    assert annotation_events.between(store, 0, 2 * T0) == [two, other]
    annotation_events.delete_stream(store, "Deploys")
    assert annotation_events.between(store, 0, 2 * T0) == [other]
    assert annotation_events.streams(store, "", 0, 9) == (1, 1, [Stream("other", None)])


def test_what_there_is_not_is_not_found(file: File) -> None:
    store = file.writer
    made = create(file)
    for call in (
        lambda: annotation_events.stream(store, "nix"),
        lambda: annotation_events.delete_stream(store, "nix"),
        lambda: annotation_events.event(store, "nix", made.id),
        lambda: annotation_events.delete_event(store, "deploys", made.id + 1),
        lambda: annotation_events.change(store, "deploys", made.id + 1, {}),
        lambda: annotation_events.add_link(store, "nix", made.id, {"rel": "r"}),
    ):
        with pytest.raises(NotFoundError):
            call()


def test_of_many_events_the_page_gets_the_last(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotation_events, "MAX_BETWEEN", 2)
    _, *last = [create(file, start=T0 + second) for second in range(3)]
    assert annotation_events.between(file.reader, T0, T0 + 9) == last


@pytest.mark.parametrize("text", ["", "[", "{}", "[3]", r'["\ud800"]', b"\xff", 5])
def test_corrupt_links_are_left_out_alone(file: File, text: object) -> None:
    one, two = create(file), create(file)
    file.writer.connection.execute("UPDATE event SET links = ? WHERE id = ?", (text, one.id))
    counted: list[tuple[str, int, str, str]] = []
    file.reader.losses = Losses(lambda *loss: counted.append(loss))
    for _ in range(2):
        assert annotation_events.between(file.reader, T0, T0) == [one._replace(links=()), two]
    assert counted == [(DROPPED, 1, "reason", "corrupt")]
