"""What becomes of the store's file where other programs meddle with it; each with real daemons."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.processes import BIN, Process, daemon, eventually
from tests.integration.store_client import Store
from zibrato import Zibrato

LONG = 20.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    with made.start("--stop-timeout", "1"):
        yield made


def count(store: Store, total: float) -> None:
    """Count once, and wait until so much is in the store."""
    with Zibrato(store.endpoint, linger=30) as client:
        client.count(name="hits")
    eventually(lambda: store.total("hits") == total)


def test_a_backup_of_a_running_daemon_is_whole(store: Store, tmp_path: Path) -> None:
    count(store, 1.0)
    command = [str(BIN / "zibrato"), "backup", str(tmp_path / "copy"), "--store", str(store.path)]
    subprocess.run(command, check=True)
    export = [str(BIN / "zibrato"), "export", "hits", "--store", str(tmp_path / "copy")]
    written = subprocess.run(export, check=True, capture_output=True, text=True)
    assert len(written.stdout.splitlines()) == 2
    again = subprocess.run(command, check=False, capture_output=True, text=True)
    assert again.returncode == 1
    assert again.stderr.startswith("zibrato backup: ")


@pytest.mark.attack("a copy of the store's file after a clean stop", before="it had nothing in it")
def test_a_stop_leaves_one_file_for_its_owner_alone(store: Store) -> None:
    count(store, 1.0)
    store.process.popen.send_signal(signal.SIGTERM)
    assert store.process.wait() == -signal.SIGTERM
    names = sorted(part.name for part in store.path.parent.glob("store*"))
    outbox = ["store.sqlite.outbox", "store.sqlite.outbox.lock"]
    assert names == ["store.sqlite", "store.sqlite.lock", *outbox]
    assert {store.path.parent.joinpath(name).stat().st_mode & 0o777 for name in names} == {0o600}
    with closing(sqlite3.connect(f"{store.path.as_uri()}?mode=ro&immutable=1", uri=True)) as copy:
        assert copy.execute("SELECT count(*) FROM series WHERE name = 'hits'").fetchone() == (1,)


@pytest.mark.attack(
    "a store that is deleted while the daemon runs", before="all was written to the deleted file"
)
def test_a_deleted_file_is_noticed_and_a_new_one_begun(store: Store) -> None:
    count(store, 1.0)
    store.path.unlink()
    store.process.wait_for("was deleted: its content is lost")
    eventually(store.path.exists)
    count(store, 1.0)


@pytest.mark.attack(
    "another program's lock on the store, at a stop", before="the stop took a minute"
)
def test_another_programs_lock_does_not_hold_up_a_stop(store: Store) -> None:
    count(store, 1.0)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store.process.wait_for("database is locked")
        store.process.popen.send_signal(signal.SIGTERM)
        assert store.process.wait(LONG) == -signal.SIGTERM  # not a minute later


@pytest.mark.parametrize("web", ["none", "tcp:0:interface=127.0.0.1"])
@pytest.mark.attack(
    "a second daemon on one store", before="it was let in until the first had written"
)
def test_a_second_daemon_is_refused_before_the_first_has_written(tmp_path: Path, web: str) -> None:
    options = ("--socket", "tcp://127.0.0.1:*", "--store", str(tmp_path / "store"), "--web", web)
    with (
        daemon(*options, "--flush-interval", "3600"),
        Process([str(BIN / "zibrato"), *options], forked=True) as second,
    ):
        second.wait_for("^zibrato: --backend store: .*another daemon has it")
        assert second.wait() == 1
