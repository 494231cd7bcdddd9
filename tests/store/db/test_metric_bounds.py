"""Metrics that are described are bounded: what there is stays, and the newest is rejected."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.store.db.store_file import T0, File, snapshot
from zibrato.model import GAUGE, Summary
from zibrato.store.db import event_bounds, metadata, schema, submissions
from zibrato.store.db.errors import InvalidValueError
from zibrato.store.db.losses import Losses
from zibrato.store.db.metadata import MetricFields
from zibrato.store.db.metric_bounds import Described, described
from zibrato.store.db.schema import open_for_writing
from zibrato.store.db.submissions import Submission


@pytest.fixture
def two(file: File, monkeypatch: pytest.MonkeyPatch) -> File:
    """Return a file that has room for two described metrics, and has them: a and b."""
    monkeypatch.setattr(event_bounds, "MAX_BYTES", 220)
    for name in "ab":
        put(file, name)
    return file


def put(file: File, name: str, description: str = "d") -> None:
    metadata.put(file.writer, name, {"type": GAUGE, "description": description})


def submit(file: File, name: str, about: MetricFields) -> None:
    reading = Summary(1, 2.0, 2.0, 2.0, 4.0, 2.0)
    submissions.add(file.writer, [Submission(GAUGE, name, "s", (), T0, reading, about)])


@pytest.mark.attack("a million described metrics", before="took all of the store's file")
def test_one_too_many_is_rejected_with_what_came_with_it(two: File) -> None:
    with pytest.raises(
        InvalidValueError, match="3 described metrics would take 312 bytes"
    ) as caught:
        put(two, "c")
    assert caught.value.param == "name"
    with pytest.raises(InvalidValueError):
        submit(two, "c", {"display_name": "C"})
    assert (two.count("metric"), two.count("series"), two.count("point")) == (2, 0, 0)


def test_what_there_is_may_change_and_be_deleted_for_another(two: File) -> None:
    put(two, "a", "other")
    submit(two, "B", {"display_name": "B"})
    two.writer.delete_metrics(["a"])
    put(two, "c")
    assert described(two.writer.connection).metrics == 2


def test_what_is_only_measured_has_room(two: File) -> None:
    two.writer.add_snapshots(snapshot(T0, 1.0))
    submit(two, "c", {})
    assert metadata.page(two.reader, "", 0, 9)[0] == 4
    for change in (lambda: put(two, "c"), lambda: submit(two, "name", {"period": 60})):
        with pytest.raises(InvalidValueError):
            change()


def test_several_are_changed_all_or_none(two: File) -> None:
    submit(two, "c", {})
    with pytest.raises(InvalidValueError):
        metadata.put_many(two.writer, ["a", "c"], {"description": "new"})
    assert metadata.metric(two.reader, "a").description == "d"


def test_units_are_not_kept_and_the_log_says_so_once(two: File) -> None:
    lines: list[str] = []
    two.writer.losses = Losses(log=lines.append)
    for name in "cd":
        assert metadata.add_units(two.writer, {name: "ms"}) == []
    assert lines == [
        "units of metrics are not kept: 3 described metrics would take 338 bytes, of 220 at most: "
        "delete some"
    ]


@pytest.mark.attack("metrics of long descriptions", before="took all of the store's file")
def test_texts_take_a_part_of_the_file(file: File) -> None:
    connection = file.writer.connection
    put(file, "a", "\N{SNOWMAN}" * 20_000)
    connection.execute("PRAGMA max_page_count = 256")
    put(file, "b", "d" * 4_000)
    for name, length in (("b", 6_000), ("c", 6_000)):
        with pytest.raises(InvalidValueError, match=r"would take \d\d,\d+ bytes, of 65,536"):
            put(file, name, "d" * length)
    put(file, "a", "d")
    put(file, "c", "d" * 6_000)
    assert described(connection).bytes == 3 * 100 + len("abc{}{}{}d") + 10_000


def test_a_file_that_has_more_of_before_may_have_less(file: File) -> None:
    put(file, "a", "d" * 100_000)
    file.writer.connection.execute("PRAGMA max_page_count = 256")
    put(file, "a", "d" * 99_000)
    with pytest.raises(InvalidValueError):
        put(file, "b")


def test_a_file_of_before_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "s"
    with monkeypatch.context() as patch:
        patch.setattr(schema, "VERSION", 4)
        with closing(open_for_writing(path, 1 << 24)) as connection:
            connection.execute("INSERT INTO metric (name) VALUES ('measured')")
            connection.execute("INSERT INTO metric (name, period) VALUES ('a', 60)")
            connection.execute("INSERT INTO metric (name, attributes) VALUES ('b', '{\"c\":1}')")
    with closing(open_for_writing(path, 1 << 24)) as connection:
        assert described(connection) == Described(2, 211)
        connection.execute("DELETE FROM metric")
        assert described(connection) == Described(0, 0)
