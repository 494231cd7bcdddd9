"""The warning that nobody takes what is recorded: late, seldom, and in nobody's way."""

from __future__ import annotations

import _thread
import logging
import threading
from collections.abc import Iterator

import pytest

from zibrato.client import absence
from zibrato.client.absence import PATIENCE, REPEAT, Absence


def test_it_is_due_once_a_daemon_had_time_to_start() -> None:
    one = Absence()
    assert [one.is_due(True, 0, 100 + second) for second in (0, 1, PATIENCE - 0.1, PATIENCE)] == [
        *(False, False, False, True)
    ]


def test_it_is_due_once_an_hour() -> None:
    one = Absence()
    due = [second for second in range(0, int(3 * REPEAT), 5) if one.is_due(True, 0, second)]
    assert due == [PATIENCE, PATIENCE + REPEAT, PATIENCE + 2 * REPEAT]


def test_it_is_never_due_while_anything_goes_or_nothing_waits() -> None:
    one = Absence()
    assert not any(one.is_due(True, sent, 5.0 * sent) for sent in range(100))
    assert not any(one.is_due(False, 100, 1000 + second) for second in range(100))


def test_a_daemon_that_came_and_went_has_its_time_again() -> None:
    one = Absence()
    one.is_due(True, 0, 0)
    one.is_due(True, 1, 9)
    assert not one.is_due(True, 1, 18)
    assert one.is_due(True, 1, 19)


class Handler(logging.Handler):
    """Keeps records, and can be slow, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.threads: list[int] = []
        self.emitted = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.threads.append(threading.get_ident())
        self.emitted.set()


@pytest.fixture
def handler() -> Iterator[Handler]:
    own = Handler()
    logging.getLogger("zibrato").addHandler(own)
    yield own
    logging.getLogger("zibrato").removeHandler(own)


def test_it_is_logged_from_another_thread(handler: Handler) -> None:
    absence.warn(absence.text("a daemon at ipc:///tmp/wrong", 1000))
    assert handler.emitted.wait(30)
    (record,) = handler.records
    assert (record.name, record.levelname) == ("zibrato", "WARNING")
    assert "is there a daemon at ipc:///tmp/wrong?" in record.getMessage()
    assert handler.threads != [threading.get_ident()]


def test_nobody_waits_for_a_handler_whose_lock_is_held(handler: Handler) -> None:
    """As the host's thread may that waits for a flush within a handler of its own."""
    handler.acquire()
    absence.warn("text")
    assert not handler.records
    handler.release()
    assert handler.emitted.wait(30)


def test_where_there_is_no_thread_nothing_is_said(
    handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_thread, "start_new_thread", fail)
    absence.warn("text")
    assert not handler.records


def test_a_logger_that_is_off_is_asked(handler: Handler) -> None:
    logger = logging.getLogger("zibrato")
    logger.setLevel(logging.ERROR)
    try:
        absence._log(logging.LogRecord("zibrato", logging.WARNING, "", 0, "text", (), None))
    finally:
        logger.setLevel(logging.NOTSET)
    assert not handler.records
