"""Lines of JSON, each once, whatever the disk does; in a file or on the real standard output."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.fake_reactor import FakeReactor
from zibrato.backends.log import LogBackend, make
from zibrato.distribution import Distribution
from zibrato.interfaces import BackendContext, Delivery, IBackend, IBackendMaker, RetryLater
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary

TIMES = Summary(2, 3.0, 1.0, 2.0, 5.0, 2.0, Distribution([1.0, 2.0]))


class FullDisk:
    """Takes `room` bytes, then none; stands in for os.write."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.written = b""
        self.error = OSError(errno.ENOSPC, "No space left on device")

    def write(self, _file: int, data: bytes) -> int:
        if not self.room:
            raise self.error
        taken = data[: self.room]
        self.room -= len(taken)
        self.written += taken
        return len(taken)


class LogBackendTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = FakeReactor()
        self.context = BackendContext(self.clock, (50.0, 99.9))
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name, "log")
        self.backend = LogBackend(self.context, str(self.path))
        self.addCleanup(self.backend.stop)
        self.noted: list[tuple[int, str | None]] = []

    def ship(self, summaries: dict[Series, Summary]) -> Delivery:
        snapshot = Snapshot(100.0, 110.0, summaries)
        return Delivery([snapshot], lambda count, reason: self.noted.append((count, reason)))

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        delivering = self.backend.deliver(delivery)
        for _ in range(20):
            self.clock.advance(0)
        return delivering

    def lines(self, summaries: dict[Series, Summary]) -> list[dict[str, Any]]:
        """Return the lines that a delivery of `summaries` makes."""
        delivery = self.ship(summaries)
        self.successResultOf(self.deliver(delivery))
        self.assertEqual(delivery.pending, 0)
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def counters(self, count: int) -> dict[Series, Summary]:
        return {Series(COUNTER, f"n{n}", "s"): Summary(2, 3.0) for n in range(count)}

    def test_is_a_backend(self) -> None:
        verifyObject(IBackend, self.backend)

    def test_a_counter(self) -> None:
        series = Series(COUNTER, "naïve \n", "s", (("shop", "a"),), "debug")
        (line,) = self.lines({series: Summary(3, 4.5)})
        self.assertEqual(
            line,
            {
                "start": 100,
                "end": 110,
                "kind": "counter",
                "name": "naïve \n",
                "source": "s",
                "level": "debug",
                "tags": {"shop": "a"},
                "count": 3,
                "sum": 4.5,
            },
        )

    def test_nothing_is_written_that_a_terminal_would_obey(self) -> None:
        name = "\x1b[2J\x7f\x9b31m\u202e\U000e0001 naïve"
        (line,) = self.lines({Series(COUNTER, name, "s"): Summary(1, 1.0)})
        self.assertEqual(line["name"], name)
        text = self.path.read_text()
        self.assertTrue(text.rstrip("\n").isprintable())
        self.assertIn("naïve", text)

    def test_a_timer_has_percentiles(self) -> None:
        (line,) = self.lines({Series(TIMER, "t", "s"): TIMES})
        fields = {key: line[key] for key in ("count", "sum", "min", "max", "last", "sum_squares")}
        self.assertEqual(
            fields, {"count": 2, "sum": 3, "min": 1, "max": 2, "last": 2, "sum_squares": 5}
        )
        self.assertEqual(line["percentiles"], {"p50": 1, "p99.9": 2})

    def test_a_gauge_of_zero_says_so(self) -> None:
        (line,) = self.lines({Series(GAUGE, "g", "s"): Summary(1, 0.0)})
        self.assertEqual([line[key] for key in ("sum", "min", "max", "last")], [0] * 4)
        self.assertNotIn("percentiles", line)

    def test_what_is_no_number_is_lost(self) -> None:
        lines = self.lines(
            {
                Series(GAUGE, "bad", "s"): Summary(4, float("nan")),
                Series(GAUGE, "good", "s"): Summary(1, 1.0),
            }
        )
        self.assertEqual([line["name"] for line in lines], ["good"])
        self.assertEqual(self.noted, [(4, "not_finite"), (1, None)])

    def test_a_big_snapshot_leaves_the_reactor_its_turns(self) -> None:
        delivery = self.ship(self.counters(1001))
        delivering = self.backend.deliver(delivery)
        self.assertNoResult(delivering)
        self.assertGreater(delivery.pending, 1000)
        self.assertEqual(len(self.lines({})), 1001)
        self.successResultOf(delivering)

    def test_several_snapshots_have_their_own_times(self) -> None:
        snapshots = [Snapshot(10.0 * n, 10.0 * n + 10, self.counters(200)) for n in range(3)]
        delivery = Delivery(snapshots, lambda count, reason: self.noted.append((count, reason)))
        self.successResultOf(self.deliver(delivery))
        lines = [json.loads(line) for line in self.path.read_text().splitlines()]
        times = [(line["start"], line["end"]) for line in lines]
        self.assertEqual(times, [(0, 10)] * 200 + [(10, 20)] * 200 + [(20, 30)] * 200)
        self.assertEqual(self.noted, [(500, None), (500, None), (200, None)])

    def test_appends(self) -> None:
        self.lines(self.counters(2))
        self.assertEqual(len(self.lines(self.counters(3))), 5)

    def test_goes_on_where_a_full_disk_stopped_it(self) -> None:
        disk = FullDisk(333)
        self.patch(os, "write", disk.write)
        delivery = self.ship(self.counters(10))
        failure = self.failureResultOf(self.deliver(delivery), RetryLater)
        self.assertEqual(
            failure.getErrorMessage(), f"can't write to {self.path}: No space left on device"
        )
        self.assertEqual((delivery.pending, self.noted), (20, []))
        disk.room = 1 << 20
        self.successResultOf(self.deliver(delivery))
        names = [json.loads(line)["name"] for line in disk.written.splitlines()]
        self.assertEqual(names, [f"n{n}" for n in range(10)])
        self.assertEqual(self.noted, [(20, None)])

    def test_a_file_that_can_t_be_opened_is_tried_again(self) -> None:
        self.path.mkdir()
        delivery = self.ship(self.counters(1))
        self.failureResultOf(self.deliver(delivery), RetryLater)
        self.path.rmdir()
        self.successResultOf(self.deliver(delivery))
        self.assertEqual(len(self.path.read_text().splitlines()), 1)

    def test_reloading_opens_the_file_anew(self) -> None:
        self.lines(self.counters(1))
        rotated = self.path.rename(self.path.with_suffix(".1"))
        self.successResultOf(self.deliver(self.ship(self.counters(1))))
        self.assertFalse(self.path.exists())
        self.backend.reload({})
        self.assertEqual(len(self.lines(self.counters(1))), 1)
        self.assertEqual(len(rotated.read_text().splitlines()), 2)

    def test_stopping_closes_the_file(self) -> None:
        self.lines(self.counters(1))
        file = self.backend._file
        assert file is not None
        self.successResultOf(self.backend.stop())
        self.assertRaises(OSError, os.fstat, file)
        self.successResultOf(self.backend.stop())

    def test_standard_output_is_the_one_beneath_sys_stdout(self) -> None:
        reading, writing = os.pipe()
        kept = os.dup(1)
        self.addCleanup(os.close, reading)
        os.dup2(writing, 1)
        try:
            backend = make({}, self.context)
            delivery = backend.deliver(self.ship(self.counters(1)))
        finally:
            os.dup2(kept, 1)
            os.close(kept)
            os.close(writing)
        self.successResultOf(delivery)
        self.assertEqual(json.loads(os.read(reading, 10_000))["name"], "n0")
        self.assertEqual(os.read(reading, 1), b"")

    def test_a_reader_that_went_away_is_a_reason_to_wait(self) -> None:
        disk = FullDisk(0)
        disk.error = BrokenPipeError(errno.EPIPE, "Broken pipe")
        self.patch(os, "write", disk.write)
        backend = LogBackend(self.context)
        failure = self.failureResultOf(backend.deliver(self.ship(self.counters(1))), RetryLater)
        self.assertEqual(failure.getErrorMessage(), "can't write to standard output: Broken pipe")


class MakeTests(SynchronousTestCase):
    context = BackendContext(FakeReactor(), (50,))

    def test_is_found_by_its_name(self) -> None:
        (maker,) = [maker for maker in getPlugins(IBackendMaker) if maker.name == "log"]
        verifyObject(IBackend, maker.make({"path": "another"}, self.context))
        self.assertIn("path", maker.description)

    def test_bad_settings_are_refused(self) -> None:
        for settings in ({"pth": "x"}, {"path": "/no/such/directory/log"}, {"path": ""}):
            self.assertRaises(ValueError, make, settings, self.context)

    def test_a_closed_standard_output_is_refused(self) -> None:
        self.patch(sys, "__stdout__", None)
        self.assertRaises(ValueError, make, {}, self.context)
        make({"path": "log"}, self.context)
