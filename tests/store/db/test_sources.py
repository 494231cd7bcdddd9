"""The sources that there are of anything."""

from __future__ import annotations

from tests.store.db.store_file import T0, File, snapshot
from zibrato.store.db import sources


def test_each_source_is_there_once(file: File) -> None:
    file.writer.add_snapshots(snapshot(T0, 1.0))
    connection = file.reader.connection
    assert sources.page(connection, "SOUR", 0, 9) == (1, 1, ["source"])
    assert sources.page(connection, "nix", 0, 9) == (1, 0, [])
    assert sources.named(connection, "SOURCE") == "source"
    assert sources.named(connection, "") is None
