"""Where the outbox's file is, and what is said where it can't be had."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent

from zibrato.daemon.options import Options
from zibrato.daemon.outbox.disk import OutboxDisk
from zibrato.daemon.outbox.place import default_path, outbox_disk, state_beside
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
    assert default_path(settings("--store", "/x/s"), STATE) == Path("/x/s.outbox")


def test_without_a_store_it_has_the_name_of_what_the_daemon_listens_on() -> None:
    without = settings("--backend", "memory", "--socket", "ipc:///run/a/socket")
    path = default_path(without, STATE)
    assert path == Path("/var/lib/zibrato/outbox-ipc-run-a-socket.sqlite")


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
