"""Ways to a recording: a client of one's own, or every client of the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from zibrato import Zibrato
from zibrato.client.sender import sender
from zibrato.testing import RecordingZibrato, recording
from zibrato.tx.client import TxZibrato


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zibrato]:
    """A client as an application has it, with no daemon there."""
    monkeypatch.delenv("ZIBRATO_DISABLED", raising=False)
    with Zibrato(f"ipc://{tmp_path}/nobody", linger=0) as client:
        yield client


def test_what_was_dropped_is_told() -> None:
    z = RecordingZibrato()
    z.count("")
    z.gauge("g", "high")  # type: ignore[arg-type]  # is to be dropped
    z.gauge("g", 1)
    assert z.readings("g") == [1]
    assert z.dropped == {"argument": 1, "value": 1}


def test_a_level_holds_as_in_any_client() -> None:
    z = RecordingZibrato(level="warning")
    z.count("c", level="info")
    z.count("c", level="error")
    assert z.counted("c") == 1


def test_it_stands_in_for_a_client_and_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZIBRATO_DISABLED", "1")
    monkeypatch.setenv("ZIBRATO_LEVEL", "critical")
    monkeypatch.setenv("ZIBRATO_SOURCE", "elsewhere")
    connections = len(sender.connections)
    threads = {*threading.enumerate()}  # of which some may end meanwhile

    def application(z: Zibrato) -> None:
        with z:
            z.count("c")
        assert z.flush()

    z = RecordingZibrato()
    application(z)
    for name in dir(Zibrato):
        assert name.startswith("_") or hasattr(z, name)
    z.count("c")
    assert z.counted("c", source="") == 2
    assert len(sender.connections) == connections
    assert {*threading.enumerate()} <= threads


def test_a_client_that_is_there_already_is_recorded(client: Zibrato) -> None:
    @client.count_me(name="c")
    def work() -> None: ...

    work()
    with recording(client) as recorded:
        assert recorded.counted("c") == 0
        work()
        work()
        assert recorded.counted("c") == 2
        client.flush()  # the sender gets nothing of it
        work()
    work()
    assert recorded.counted("c") == 3
    assert repr(recorded) == "<Recording: counter c x3>"


def test_every_client_is_recorded_also_one_made_within(client: Zibrato, tmp_path: Path) -> None:
    tx = TxZibrato(f"ipc://{tmp_path}/tx")
    with recording() as recorded:
        client.count("before")
        tx.count("tx")
        with Zibrato(f"ipc://{tmp_path}/other", linger=0) as other:
            other.count("within")
        other.count("closed")
        own = RecordingZibrato()
        own.count("own")
        names = [measurement.name for measurement in recorded.measurements]
        assert names == ["before", "closed", "own", "tx", "within"]
        assert own.counted("own") == 1


def test_one_client_is_recorded_without_the_others(client: Zibrato, tmp_path: Path) -> None:
    with (
        Zibrato(f"ipc://{tmp_path}/other", linger=0) as other,
        Zibrato(client._connection.connector.endpoint.address, linger=0) as shared,
        recording(client, shared) as recorded,
        recording(other) as others,
    ):
        client.count("c")
        shared.count("c", 10)
        other.count("c", 100)
    assert (recorded.counted("c"), others.counted("c")) == (11, 100)


def test_recordings_nest(client: Zibrato) -> None:
    with recording() as outer:
        client.count("c")
        with recording(client) as inner:
            client.count("c")
    assert (outer.counted("c"), inner.counted("c")) == (2, 1)


def test_a_recording_takes_what_other_threads_record(client: Zibrato) -> None:
    tick = client.count_me(name="c").count
    with recording() as recorded:

        def work() -> None:
            for _ in range(10_000):
                tick()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert recorded.counted("c") <= 40_000
        assert recorded.counted("c") == 40_000


def test_with_instruments_turned_off_there_is_nothing_to_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ZIBRATO_DISABLED", "1")
    with pytest.raises(RuntimeError, match="unset it to record"), recording():
        pass
