"""The sources that there are of anything."""

from __future__ import annotations

import pytest

from tests.store.db.store_file import T0, File, snapshot
from zibrato.store.db import sources
from zibrato.store.db.errors import InvalidValueError
from zibrato.store.db.sources import Source


def test_each_source_is_there_once(file: File) -> None:
    file.writer.add_snapshots(snapshot(T0, 1.0))
    connection = file.reader.connection
    assert sources.page(connection, "SOUR", 0, 9) == (1, 1, [Source("source")])
    assert sources.page(connection, "nix", 0, 9) == (1, 0, [])
    assert sources.named(connection, "SOURCE") == Source("source")
    assert sources.named(connection, "") is None


def test_a_name_for_people_stays_with_its_source(file: File) -> None:
    connection = file.writer.connection
    assert sources.put(connection, "SOURCE", "before") is False
    file.writer.add_snapshots(snapshot(T0, 1.0))
    assert sources.page(connection, "", 0, 9) == (1, 1, [Source("source", "before")])
    assert sources.put(connection, "Source", "after") is True
    assert sources.named(connection, "source") == Source("source", "after")
    assert sources.put(connection, "a", None) is False
    found = [Source("source", "after"), Source("a")]
    assert sources.page(connection, "", 0, 9, descending=True) == (2, 2, found)


@pytest.mark.attack("a million named sources", before="took all of the store's file")
def test_named_ones_are_bounded(file: File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_SOURCES", 2)
    connection = file.writer.connection
    connection.execute("PRAGMA max_page_count = 256")
    for name in ("a", "b", "A"):
        sources.put(connection, name, "A")
    with pytest.raises(InvalidValueError, match="there are 2 named sources already"):
        sources.put(connection, "c", None)
    with pytest.raises(InvalidValueError, match="would take 70,001 bytes, of 65,536 at most"):
        sources.put(connection, "b", "d" * 70_000)
    assert sources.page(connection, "", 0, 9)[2] == [Source("a", "A"), Source("b", "A")]
