"""Events and streams are bounded: those that were made first go first."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from tests.store.db.store_file import T0, File
from zibrato.store.db import annotation_events, event_bounds, schema
from zibrato.store.db.annotation_events import Event
from zibrato.store.db.errors import InvalidValueError
from zibrato.store.db.losses import EVENTS_EVICTED, Losses
from zibrato.store.db.schema import open_for_writing


@pytest.fixture
def evicted(file: File) -> Counter[str]:
    """Return how many events are evicted from now on, by bound."""
    counted: Counter[str] = Counter()

    def count(name: str, value: int, tag: str, bound: str) -> None:
        assert (name, tag) == (EVENTS_EVICTED, "bound")
        counted[bound] += value

    file.writer.losses = Losses(count)
    return counted


def create(file: File, stream: str = "deploys", start: int = T0, title: str = "t") -> Event:
    return annotation_events.create(file.writer, stream, {"title": title, "start_time": start})


def ids(file: File) -> list[int]:
    return [
        event_id
        for (event_id,) in file.writer.connection.execute("SELECT id FROM event ORDER BY id")
    ]


@pytest.mark.attack("a flood of annotations", before="took all of the store's file")
def test_what_was_made_first_goes_first(
    file: File, evicted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_bounds, "MAX_EVENTS", 3)
    made = [create(file, start=T0 - number) for number in range(5)]
    assert ids(file) == [event.id for event in made[2:]]
    assert evicted == {"events": 2}


@pytest.mark.attack("annotations of long texts", before="took all of the store's file")
def test_texts_take_a_part_of_the_file(file: File, evicted: Counter[str]) -> None:
    connection = file.writer.connection
    connection.execute("PRAGMA max_page_count = 256")
    longest = 1 << 20 >> 4
    made = [create(file, title="\N{SNOWMAN}" * 10_000) for _ in range(3)]
    assert ids(file) == [event.id for event in made[1:]]
    create(file, title="t" * longest)
    assert len(ids(file)) == 1
    annotation_events.change(file.writer, "deploys", ids(file)[0], {"title": "t"})
    assert connection.execute("SELECT bytes FROM event_total").fetchone()[0] < 200
    assert evicted == {"bytes": 3}


def test_an_event_that_grows_stays(
    file: File, evicted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = create(file), create(file)
    monkeypatch.setattr(event_bounds, "MAX_BYTES", 1000)
    annotation_events.change(file.writer, "deploys", one.id, {"description": "d" * 900})
    assert (ids(file), evicted) == ([one.id], {"bytes": 1})


@pytest.mark.attack("a stream for each annotation", before="took all of the store's file")
def test_streams_go_with_their_last_event_unless_they_have_a_name(
    file: File, evicted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_bounds, "MAX_STREAMS", 2)
    annotation_events.put_stream(file.writer, "named", "Named")
    for stream in ("named", "b", "b", "c"):
        create(file, stream)
    names = [stream.name for stream in annotation_events.streams(file.reader, "", 0, 9)[2]]
    assert (names, evicted) == (["c", "named"], {"streams": 3})
    annotation_events.put_stream(file.writer, "other", "Other")
    for call in (create, lambda file, name: annotation_events.put_stream(file.writer, name, "d")):
        with pytest.raises(InvalidValueError, match="2 streams with a display_name"):
            call(file, "d")
    assert annotation_events.streams(file.reader, "", 0, 9)[0] == 2


def test_links_of_an_event_are_bounded(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_bounds, "MAX_LINKS", 100)
    made = create(file)
    annotation_events.add_link(file.writer, "deploys", made.id, {"rel": "a", "href": "http://x"})
    with pytest.raises(InvalidValueError, match="of 100 at most") as caught:
        link = {"rel": "b", "href": "http://" + "x" * 60}
        annotation_events.add_link(file.writer, "deploys", made.id, link)
    assert caught.value.param == "links"


def test_a_file_of_before_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "VERSION", 3)
        with closing(open_for_writing(path, 1 << 24)) as connection:
            connection.execute("INSERT INTO stream VALUES ('a', NULL)")
            connection.execute(
                "INSERT INTO event (stream, source, title, start_time, links) "
                "VALUES ('a', 's', 't', 1, '[]')"
            )
    with closing(open_for_writing(path, 1 << 24)) as connection:
        assert connection.execute("SELECT * FROM event_total").fetchall() == [(1, 105, 1)]
        connection.execute("DELETE FROM event")
        connection.execute("DELETE FROM stream")
        assert connection.execute("SELECT * FROM event_total").fetchall() == [(0, 0, 0)]
