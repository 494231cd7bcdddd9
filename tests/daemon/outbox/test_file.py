"""The tables of the outbox's file."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.daemon.outbox.outboxes import snapshot
from zibrato.daemon.outbox.client_sequences import Seen
from zibrato.daemon.outbox.file import Changes, OutboxFile, measurements_in
from zibrato.daemon.outbox.kept_snapshot import KeptSnapshot
from zibrato.daemon.series_filter import ALL, SeriesFilter
from zibrato.files.sqlite_file import UnusableFileError
from zibrato.levels import LevelFilter
from zibrato.model import COUNTER, MAX_COUNT, Identity, Series, Snapshot, Summary
from zibrato.wire import MAX_SEQUENCE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def file(path: Path) -> Iterator[OutboxFile]:
    with closing(OutboxFile(path, "run")) as made:
        yield made


def add(file: OutboxFile, start: float, *backends: str) -> KeptSnapshot:
    kept = KeptSnapshot.of(snapshot(start))
    wanted = dict.fromkeys(backends, SeriesFilter(LevelFilter.parse("info+")))
    ((kept.identity, kept.size),) = file.commit(Changes([(kept, wanted)]))
    return kept


def test_gives_back_what_waits_for_each_backend(file: OutboxFile) -> None:
    first, second = add(file, 10, "a", "b"), add(file, 20, "b")
    waiting = file.waiting()
    assert {key: [one.kept.identity for one in some] for key, some in waiting.items()} == {
        "a": [first.identity],
        "b": [first.identity, second.identity],
    }
    (one,) = waiting["a"]
    assert one.filter == SeriesFilter(LevelFilter.parse("info+"))
    assert (one.kept.start, one.kept.end, one.measurements) == (10, 20, 1)
    assert file.snapshot(one.kept) == snapshot(10)


def test_says_how_much_waits_in_a_file_without_opening_it_as_its_own(
    file: OutboxFile, path: Path
) -> None:
    add(file, 10, "a", "b")
    add(file, 20, "b")
    assert measurements_in(path) == {"a": 1, "b": 2}
    assert measurements_in(path.with_name("missing")) == {}
    path.with_name("other").write_text("not a database")
    assert measurements_in(path.with_name("other")) == {}


def test_passes_everything_again_that_passed_everything(file: OutboxFile) -> None:
    file.commit(Changes([(KeptSnapshot.of(snapshot(10)), {"a": ALL})]))
    assert file.waiting()["a"][0].filter == ALL


def test_remembers_how_much_passes_by_name(file: OutboxFile) -> None:
    wanted = SeriesFilter.parse({"exclude": "nothing*", "prefix": "x."})
    file.commit(Changes([(KeptSnapshot.of(snapshot(10)), {"a": wanted})]))
    (waiting,) = file.waiting()["a"]
    assert (waiting.filter, waiting.series, waiting.measurements) == (wanted, 1, 1)


def test_counts_past_every_integer_come_back_exactly(file: OutboxFile) -> None:
    series = [Series(COUNTER, name, "here") for name in "abc"]
    full = Snapshot(10.0, 20.0, dict.fromkeys(series, Summary(MAX_COUNT, 1.0)))
    file.commit(Changes([(KeptSnapshot.of(full), {"a": ALL})]))
    assert file.waiting()["a"][0].measurements == 3 * MAX_COUNT > 2**64
    assert file.snapshot(file.waiting()["a"][0].kept) == full


def test_what_is_cut_off_the_wal_goes_back_to_the_disk(file: OutboxFile, path: Path) -> None:
    for number in range(40):
        file.commit(Changes(frames={float(number): [random.randbytes(100_000)]}))
    file.commit(Changes(closed=range(40)))
    for number in range(3):
        file.reclaim()
        file.commit(Changes(frames={float(number): [b"x"]}))
    assert sum(part.stat().st_size for part in path.parent.glob("outbox*")) < 1_500_000


def test_deletes_what_the_last_backend_has(file: OutboxFile) -> None:
    kept = add(file, 10, "a", "b")
    assert kept.identity is not None
    file.commit(Changes(done=[("a", kept.identity)]))
    assert list(file.waiting()) == ["b"]
    file.commit(Changes(done=[("b", Identity("another run", kept.sequence))]))
    assert list(file.waiting()) == ["b"]
    file.commit(Changes(done=[("b", kept.identity)]))
    assert file.waiting() == {}
    assert add(file, 20, "a").sequence > kept.sequence


def test_space_is_given_back(file: OutboxFile, path: Path) -> None:
    for number in range(50):
        file.commit(Changes(frames={float(number): [random.randbytes(10_000)]}))
    file._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    full = path.stat().st_size
    file.commit(Changes(closed=range(50)))
    file.reclaim()
    file._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size < full / 4


def test_what_was_open_comes_back_in_order(file: OutboxFile) -> None:
    file.commit(Changes(frames={10.0: [b"a", b"b"]}))
    file.commit(Changes(frames={10.0: [b"c"], 20.0: [b"d"]}))
    assert list(file.open_frames()) == [(10.0, b"a"), (10.0, b"b"), (10.0, b"c"), (20.0, b"d")]
    file.commit(Changes(closed=[10.0], frames={10.0: [b"e"]}))
    assert list(file.open_frames()) == [(20.0, b"d"), (10.0, b"e")]


def test_clients_come_back(file: OutboxFile) -> None:
    file.commit(Changes(seen={"a": Seen(1, 5.0), "b": Seen(2, 6.0)}))
    file.commit(Changes(seen={"a": Seen(3, 7.0)}, forgotten=["b"]))
    assert file.clients() == {"a": Seen(3, 7.0)}
    file.commit(Changes(seen={"a": Seen(MAX_SEQUENCE, 8.0)}))
    assert file.clients() == {"a": Seen(MAX_SEQUENCE, 8.0)}


def test_a_commit_is_all_or_nothing(file: OutboxFile) -> None:
    bad = {"a": Seen(2**70, 5.0)}
    with pytest.raises(OverflowError):
        file.commit(Changes([(KeptSnapshot.of(snapshot(1)), {"a": ALL})], seen=bad))
    assert file.waiting() == {}


def test_refuses_what_is_none_of_ours(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    with pytest.raises(UnusableFileError, match="another program's database"):
        OutboxFile(path, "run")
    path.unlink()
    OutboxFile(path, "run").close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(UnusableFileError, match="of version 99, written by a newer Zibrato"):
        OutboxFile(path, "run")


def test_an_outbox_with_other_columns_is_of_another_version(path: Path) -> None:
    OutboxFile(path, "run").close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE pending RENAME COLUMN filter TO levels")
    with pytest.raises(UnusableFileError, match=f"{path} is an outbox of another version"):
        OutboxFile(path, "run")


def test_is_its_owners_alone_and_survives_a_power_cut(file: OutboxFile, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert file._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert file._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
