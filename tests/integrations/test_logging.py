"""The handler of `logging`: what it counts, whatever loggers and records there are."""

from __future__ import annotations

import logging
import logging.config
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from zibrato.integrations import logging as ours
from zibrato.integrations.logging import Handler
from zibrato.testing import RecordingZibrato, recording


@pytest.fixture
def z() -> RecordingZibrato:
    return RecordingZibrato()


@pytest.fixture
def handler(z: RecordingZibrato) -> Handler:
    return Handler(z)


@pytest.fixture
def logger(handler: Handler) -> Iterator[logging.Logger]:
    """A logger with the handler, which hands nothing on."""
    made = logging.getLogger("shop")
    made.propagate, made.level = False, logging.DEBUG
    made.addHandler(handler)
    yield made
    made.removeHandler(handler)


def counts(z: RecordingZibrato) -> dict[tuple[str, str, str], float]:
    """Return the sums by level, tag `level` and tag `logger`."""
    return {(one.level, one.tags["level"], one.tags["logger"]): one.sum for one in z.measurements}


def test_records_are_counted_by_level_and_logger(
    z: RecordingZibrato, logger: logging.Logger
) -> None:
    logger.info("a %s", "secret")
    logger.info("another")
    logger.getChild("db").error("gone")
    logger.log(35, "between")
    assert counts(z) == {
        ("info", "info", "shop"): 2,
        ("error", "error", "shop.db"): 1,
        ("warning", "warning", "shop"): 1,
    }
    assert "secret" not in repr(z)


def test_a_configuration_names_it_and_it_has_a_level_of_its_own() -> None:
    with recording() as recorded:
        handlers = {"counts": {"class": f"{ours.__name__}.Handler", "level": "ERROR"}}
        logging.config.dictConfig({
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": handlers,
            "loggers": {"configured": {"handlers": ["counts"], "propagate": False}},
        })  # fmt: skip
        logging.getLogger("configured").warning("no")
        logging.getLogger("configured").error("yes")
    assert recorded.counted("log.records") == recorded.counted("log.records", level="error") == 1


class OddName:
    def __hash__(self) -> int:
        raise RuntimeError

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("change", [{"levelno": "x"}, {"name": OddName()}, {"levelno": None}])
def test_an_odd_record_is_counted_as_rejected(
    change: dict[str, Any], z: RecordingZibrato, handler: Handler
) -> None:
    handler.handle(logging.makeLogRecord({"name": "shop", "levelno": 20, **change}))
    assert (z.measurements, dict(z.dropped)) == ([], {"value": 1})


def test_names_and_levels_without_end_are_bounded(
    z: RecordingZibrato, handler: Handler, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "MAX_LOGGERS", 2)
    monkeypatch.setattr(ours, "_MAX_CACHED", 3)
    for number in range(5):
        logger.getChild(f"{number}{'x' * 300}").info("")
        logger.log(100 + number, "")
    assert {name[:6] for _, _, name in counts(z)} == {"shop.0", "shop", "other"}
    assert sum(counts(z).values()) == 10
    assert all(len(name) <= 255 for _, _, name in counts(z))
    assert len(handler._counts) == 3


def test_what_logs_as_it_is_counted_does_so_once(logger: logging.Logger) -> None:
    class Logging(RecordingZibrato):
        def count_me(self, *given: Any, **options: Any) -> Any:
            logger.info("counting")  # of a subclass, or of what a tag's text is made by
            return super().count_me(*given, **options)

    z = Logging()
    handler = Handler(z)
    logger.addHandler(handler)
    logger.info("once")
    logger.removeHandler(handler)
    assert z.counted("log.records") == 1


def test_it_has_no_lock_that_could_be_held(
    z: RecordingZibrato, handler: Handler, logger: logging.Logger
) -> None:
    assert not isinstance(handler.lock, type(threading.RLock()))

    def log() -> None:
        for _ in range(500):
            logger.info("")

    threads = [threading.Thread(target=log) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert z.counted("log.records") == 1500
