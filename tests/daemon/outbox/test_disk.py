"""A file that is damaged, another's, or can't be written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shutil import rmtree

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from tests.daemon.outbox.outboxes import snapshot
from zibrato.daemon.outbox.disk import LostFileError, OutboxDisk
from zibrato.daemon.outbox.file import Changes, OutboxFile
from zibrato.daemon.outbox.kept_snapshot import KeptSnapshot, Waiting
from zibrato.daemon.outbox.snapshot_codec import frame_of
from zibrato.daemon.series_filter import ALL
from zibrato.files.file_lock import FileLock
from zibrato.files.sqlite_file import UnusableFileError
from zibrato.wire import Batch

BATCH = Batch(1, "c", 1, 20.0, 21.0, [], [], [])


def disk_at(path: Path) -> OutboxDisk:
    return OutboxDisk(Clock(), path)


def kept_at(disk: OutboxDisk, start: float) -> KeptSnapshot:
    kept = KeptSnapshot.of(snapshot(start))
    ((kept.identity, kept.size),) = disk.commit(Changes([(kept, {"a": ALL})]))
    kept.snapshot = None
    return kept


def damage(path: Path) -> None:
    """Overwrite all but the header, as if it were another file's."""
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * (path.stat().st_size - 100))


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")


def no_database(path: Path) -> None:
    path.write_bytes(b"no database, but long enough to be one" * 200)


def newer(path: Path) -> None:
    OutboxFile(path, "run").close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("make", [foreign, newer])
def test_an_intact_file_that_is_no_outbox_is_let_alone(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "outbox"
    make(path)
    before = path.read_bytes()
    with pytest.raises(OSError, match=r"--outbox: .*; give another file with --outbox PATH"):
        disk_at(path).open()
    assert path.read_bytes() == before
    assert not [*tmp_path.glob("*corrupt*")]


def test_what_is_no_database_is_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    no_database(path)
    before = path.read_bytes()
    disk = disk_at(path)
    with capturedLogs() as events:
        assert disk.open().waiting == {}
    (line,) = [formatEvent(event) for event in events]
    assert f"quarantined as {path}.corrupt-0; a new file is begun" in line
    assert Path(f"{path}.corrupt-0").read_bytes() == before
    kept_at(disk, 10)
    disk.close()


def test_one_that_is_damaged_while_in_use_is_quarantined_too(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    disk = disk_at(path)
    kept_at(disk, 10)
    disk.close()
    disk = disk_at(path)
    disk.open()
    damage(path)
    with pytest.raises(LostFileError):
        for start in range(100):
            kept_at(disk, start)
    assert kept_at(disk, 10).sequence
    disk.close()
    assert Path(f"{path}.corrupt-0").exists()


def test_what_was_in_a_quarantined_file_is_not_taken_from_the_new_one(tmp_path: Path) -> None:
    disk = disk_at(tmp_path / "outbox")
    before = kept_at(disk, 10)
    disk._quarantine("a test")
    assert disk.load(Waiting.of(before, ALL)) is None
    after = kept_at(disk, 20)
    assert after.sequence == before.sequence
    assert disk.load(Waiting.of(before, ALL)) is None
    assert disk.load(Waiting.of(after, ALL)) == snapshot(20)
    disk.close()


def starts_in(path: Path) -> list[float]:
    """Return when those intervals began that a daemon would find in the file."""
    with closing(disk_at(path)) as again:
        return [one.kept.start for one in again.open().waiting["a"]]


@pytest.mark.parametrize("gone", ["outbox", "outbox*"])
def test_a_file_that_is_deleted_is_begun_anew_with_all_that_it_had(
    tmp_path: Path, gone: str
) -> None:
    path = tmp_path / "state" / "outbox"
    path.parent.mkdir()
    disk = OutboxDisk(Clock(), path, FileLock(path))
    first = kept_at(disk, 10)
    for part in path.parent.glob(gone):
        part.unlink()
    with capturedLogs() as events:
        kept_at(disk, 20)
        kept_at(disk, 30)
    (line,) = [formatEvent(event) for event in events]
    assert "was deleted; the outbox goes on with a copy that has all of it" in line
    assert disk.load(Waiting.of(first, ALL)) == snapshot(10)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(BlockingIOError):
        FileLock(path)
    disk.close()
    assert starts_in(path) == [10, 20, 30]
    assert not [*path.parent.glob("*.new*")]


def test_a_directory_that_is_deleted_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "state" / "outbox"
    path.parent.mkdir()
    disk = OutboxDisk(Clock(), path, FileLock(path))
    kept_at(disk, 10)
    rmtree(path.parent)
    kept_at(disk, 20)
    disk.close()
    assert starts_in(path) == [10, 20]


def test_of_a_file_in_its_place_nothing_is_mixed_with_it(tmp_path: Path) -> None:
    path, other = tmp_path / "outbox", tmp_path / "other"
    with closing(disk_at(other)) as another:
        kept_at(another, 5)
    disk = disk_at(path)
    before = kept_at(disk, 10)
    other.rename(path)
    with capturedLogs() as events, pytest.raises(LostFileError):
        kept_at(disk, 20)
    assert "was replaced: its content is lost; the outbox goes on with the new file" in str(
        formatEvent(events[0])
    )
    assert disk.load(Waiting.of(before, ALL)) is None
    kept_at(disk, 30)
    disk.close()
    assert starts_in(path) == [5, 30]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_another_programs_file_in_its_place_is_let_alone(tmp_path: Path) -> None:
    path, other = tmp_path / "outbox", tmp_path / "other"
    foreign(other)
    before = other.read_bytes()
    disk = disk_at(path)
    kept_at(disk, 10)
    other.rename(path)
    with pytest.raises(LostFileError):
        kept_at(disk, 20)
    with pytest.raises(UnusableFileError):
        kept_at(disk, 20)
    assert path.read_bytes() == before
    path.unlink()
    kept_at(disk, 30)
    disk.close()
    assert starts_in(path) == [30]


def test_where_another_daemon_has_the_new_file_it_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    disk = OutboxDisk(Clock(), path, FileLock(path))
    kept_at(disk, 10)
    for part in tmp_path.glob("outbox*"):
        part.unlink()
    with closing(OutboxDisk(Clock(), path, FileLock(path))) as other:
        kept_at(other, 5)
        with pytest.raises(LostFileError):
            kept_at(disk, 20)
        with pytest.raises(OSError, match="another daemon has it"):
            kept_at(disk, 20)
    disk.close()
    assert starts_in(path) == [5]


def test_loads_what_a_backend_is_to_get(tmp_path: Path) -> None:
    disk = disk_at(tmp_path / "outbox")
    kept = kept_at(disk, 10)
    assert disk.load(Waiting.of(kept, ALL)) == snapshot(10)
    with closing(sqlite3.connect(disk.path)) as connection, connection:
        connection.execute("UPDATE piece SET data = x'00'")
    assert disk.load(Waiting.of(kept, ALL)) is None
    disk.close()


def test_what_is_left_is_read(tmp_path: Path) -> None:
    disk = disk_at(tmp_path / "outbox")
    kept_at(disk, 10)
    disk.commit(Changes(frames={20.0: [frame_of(BATCH)]}))
    restored: list[tuple[float, bytes]] = []
    left = disk.open(lambda *frame: restored.append(frame))
    assert [one.kept.start for one in left.waiting["a"]] == [10]
    assert restored == [(20.0, frame_of(BATCH))]
    disk.close()


def test_what_was_read_before_damage_showed_is_restored(tmp_path: Path) -> None:
    disk = disk_at(tmp_path / "outbox")
    for frame in (b"first", b"second"):
        disk.commit(Changes(frames={20.0: [frame]}))
    with closing(sqlite3.connect(disk.path)) as connection, connection:
        connection.execute("UPDATE open_interval SET frames = x'00' WHERE key = 2")
    restored: list[bytes] = []
    with capturedLogs() as events:
        assert disk.open(lambda _start, frame: restored.append(frame)).waiting == {}
    assert restored == [b"first"]
    assert "quarantined" in formatEvent(events[0])
    disk.close()


def test_a_file_that_cannot_be_opened_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        disk_at(tmp_path / "nowhere" / "outbox").open()


def test_closing_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "outbox"
    disk = OutboxDisk(Clock(), path, FileLock(path))
    disk.open()
    disk.close()
    FileLock(path).close()
