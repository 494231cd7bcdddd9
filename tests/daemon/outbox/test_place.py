"""Where the outbox's file is, and what is said where it can't be had."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from tests.daemon.outbox.outboxes import snapshot
from zibrato.daemon.options import Options
from zibrato.daemon.outbox.disk import OutboxDisk
from zibrato.daemon.outbox.file import Changes, OutboxFile
from zibrato.daemon.outbox.kept_snapshot import KeptSnapshot
from zibrato.daemon.outbox.place import default_path, outbox_disk, state_beside
from zibrato.daemon.series_filter import ALL
from zibrato.daemon.settings import Settings
from zibrato.files.file_lock import FileLock

STATE = {"STATE_DIRECTORY": "/var/lib/zibrato"}


def settings(*arguments: str) -> Settings:
    options = Options({})
    options.parseOptions(arguments)
    return options.settings


def disk(environment: Mapping[str, str], *arguments: str) -> OutboxDisk | None:
    return outbox_disk(Clock(), settings(*arguments), environment)


def test_is_beside_the_store() -> None:
    assert default_path(settings(), STATE) == Path("/var/lib/zibrato/zibrato.sqlite.outbox")
    for store in ("/x/s", "x" * 300):  # which is too long for a name
        path = Path(f"{store}.outbox").absolute()
        assert default_path(settings("--store", store), STATE) == path


def test_without_a_store_it_has_the_name_of_what_the_daemon_listens_on() -> None:
    without = settings("--backend", "memory", "--socket", "ipc:///run/a/socket")
    path = default_path(without, STATE)
    assert path == Path("/var/lib/zibrato/outbox-ipc-run-a-socket.sqlite")


def leave(path: Path, *backends: str) -> None:
    """Leave a snapshot of two measurements for each of the backends in an outbox."""
    with closing(OutboxFile(path, "run")) as file:
        file.commit(Changes([(KeptSnapshot.of(snapshot(10, 2)), dict.fromkeys(backends, ALL))]))


def test_stays_where_it_is_when_the_daemon_gets_a_store(tmp_path: Path) -> None:
    state = {"STATE_DIRECTORY": str(tmp_path)}
    before = default_path(settings("--backend", "memory"), state)
    leave(before, "memory")
    added = settings("--backend", "memory", "--store", f"{tmp_path}/s", "--socket", "ipc:///new")
    assert default_path(added, state) == tmp_path / "s.outbox"
    assert default_path(added._replace(endpoints=settings().endpoints), state) == before


def test_is_not_that_of_another_daemon_that_connects_to_the_same_endpoint(tmp_path: Path) -> None:
    state = {"XDG_STATE_HOME": str(tmp_path)}
    connecting = ("--socket", "connect:ipc:///application")
    other = default_path(settings("--backend", "memory", *connecting), state)
    other.parent.mkdir()
    leave(other, "memory")
    for sockets in (connecting, (*connecting, "--socket", "ipc:///own")):
        path = default_path(settings("--store", f"{tmp_path}/s", *sockets), state)
        assert path == tmp_path / "s.outbox"


def test_stays_where_it_is_when_a_unit_loses_its_default_store(tmp_path: Path) -> None:
    beside = tmp_path / "zibrato.sqlite.outbox"
    leave(beside, "memory")
    assert (
        default_path(settings("--backend", "memory"), {"STATE_DIRECTORY": f"{tmp_path}"}) == beside
    )


def test_another_default_one_in_which_something_waits_is_named(tmp_path: Path) -> None:
    (tmp_path / "zibrato").mkdir()
    beside = tmp_path / "zibrato" / "zibrato.sqlite.outbox"
    leave(beside, "store", "librato")
    state = {"XDG_STATE_HOME": str(tmp_path)}
    for arguments in ((), ("--outbox", "none"), ("--outbox", f"{tmp_path}/own")):
        with capturedLogs() as events:
            made = disk(state, "--backend", "memory", *arguments)
        assert [formatEvent(event) for event in events] == [
            f"4 measurements for librato, store wait in another outbox, {beside}, and stay there; "
            f"start the daemon with --outbox {beside} until they are delivered, or delete that file"
        ]
        if made is not None:
            made.close()
    lock = FileLock(beside)  # the other daemon runs
    with capturedLogs() as events:
        disk(state, "--backend", "memory", "--outbox", "none")
        disk(state, "--backend", "memory", "--outbox", str(beside.rename(tmp_path / "moved")))
    lock.close()
    assert events == []


def test_can_be_left_out(tmp_path: Path) -> None:
    assert disk({"STATE_DIRECTORY": str(tmp_path)}, "--outbox", "none") is None
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_asked_for_must_be_had(tmp_path: Path) -> None:
    path = tmp_path / "new" / "outbox"
    made = disk({}, "--outbox", str(path))
    assert made is not None
    assert made.path == path
    with pytest.raises(ValueError, match=f"can't use {path}: another daemon or the store has it"):
        disk({}, "--outbox", str(path))
    made.close()
    with pytest.raises(ValueError, match="expected a file, got the directory"):
        disk({}, "--outbox", str(tmp_path))
    with pytest.raises(ValueError, match=r"can't use /proc/outbox: .*; give another file"):
        disk({}, "--outbox", "/proc/outbox")


def test_without_the_default_one_the_daemon_runs_in_memory(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "zibrato.sqlite.outbox")
    with capturedLogs() as events:
        assert disk({"STATE_DIRECTORY": str(tmp_path)}) is None
    lock.close()
    (line,) = [formatEvent(event) for event in events]
    assert line.startswith("the outbox is in memory only: can't use ")


def test_what_backends_keep_is_beside_it() -> None:
    chosen = settings("--outbox", "/x/outbox")
    assert state_beside(chosen, {}, "otlp") == Path("/x/outbox.otlp")
    path = state_beside(settings(), STATE, "otlp")
    assert path == Path("/var/lib/zibrato/zibrato.sqlite.outbox.otlp")
    assert state_beside(settings("--outbox", "none"), STATE, "otlp") is None
