"""The backend behind an outbox: full disks, settings."""

from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any, TypeVar

from twisted.logger import capturedLogs
from twisted.plugin import getPlugins
from zope.interface.verify import verifyObject

from tests.fake_reactor import FakeReactor
from tests.store.cases import START, C, StoreTestCase, snapshot
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.distribution import Distribution
from zibrato.interfaces import (
    BackendContext,
    IAnnotationBackend,
    IBackend,
    IBackendMaker,
    IDescribingBackend,
    IUnitBackend,
)
from zibrato.model import COUNTER, TIMER, Annotation, Series, Summary
from zibrato.store.backend import StoreBackend, make
from zibrato.store.db import annotation_events, metadata, retention
from zibrato.store.db.metadata import MetricFields
from zibrato.store.db.writer import Writer

T = TypeVar("T")
CONTEXT = BackendContext(FakeReactor(), (50.0,))


class DeliveryTests(StoreTestCase):
    """What is delivered is in the file."""

    def test_is_found_by_its_name(self) -> None:
        (maker,) = [maker for maker in getPlugins(IBackendMaker) if maker.name == "store"]
        verifyObject(IBackend, maker.make({"path": self.mktemp()}, CONTEXT))

    def test_tells_what_metrics_are_described_as(self) -> None:
        backend = StoreBackend(self.store)
        verifyObject(IDescribingBackend, backend)
        fields: dict[str, MetricFields] = {
            "a": {"description": "A"},
            "b": {"display_name": "B"},
            "c": {"period": 60},
        }

        def describe(writer: Writer) -> None:
            for name, known in fields.items():
                metadata.put(writer, name, {"type": "gauge", **known})

        self.successResultOf(self.database.write(describe))
        self.assertEqual(self.successResultOf(backend.descriptions()), {"a": "A", "b": "B"})

    def test_says_where_the_file_is(self) -> None:
        path = self.mktemp()
        for is_trial, expected in ((True, []), (False, [os.path.abspath(path)])):
            with capturedLogs() as events:
                make({"path": path}, BackendContext(FakeReactor(), (50.0,), is_trial=is_trial))
            self.assertEqual([event["path"] for event in events], expected)

    def test_bad_settings_are_rejected(self) -> None:
        for settings in (
            {"pth": "x"},
            {"max_bytes": "3"},
            {"max_bytes": "xG"},
            {"retention": "x"},
            {"max_stored_series": "0"},
        ):
            self.assertRaises(ValueError, make, {"path": self.mktemp(), **settings}, CONTEXT)

    def test_what_its_threads_count_the_reactors_thread_does(self) -> None:
        reactor, metrics = FakeReactor(), SelfMetrics()
        context = BackendContext(reactor, (50.0,), count=metrics.count)
        settings = {"path": self.mktemp(), "max_stored_series": "7"}
        database = make(settings, context).store.database
        self.assertEqual(database.max_series, 7)
        database.losses.overflowed(5)
        self.assertEqual(metrics.total("zibrato.store.dropped"), 0)
        reactor.run_calls()
        self.assertEqual(metrics.total("zibrato.store.dropped", reason="overflow"), 5)

    def test_its_bound_is_in_bytes_or_units_of_1024(self) -> None:
        for text, expected in (("1048576", 1 << 20), ("1M", 1 << 20), ("3G", 3 << 30)):
            backend = make({"path": self.mktemp(), "max_bytes": text}, CONTEXT)
            self.assertEqual(backend.store.database._max_bytes, expected)
        self.assertRaises(ValueError, make, {"max_bytes": "1048575"}, CONTEXT)

    def test_keeps_annotations_as_events(self) -> None:
        backend = StoreBackend(self.store)
        verifyObject(IAnnotationBackend, backend)
        tags = (("a", "b"), ("c", "d"))
        for annotation in (
            Annotation("deploys", "one", "of it", "web1", START + 0.5, tags),
            Annotation("x" * 300, "two", "", "", START),
        ):
            self.successResultOf(backend.annotate(annotation))
        reading = self.database.read(lambda file: annotation_events.between(file, 0, START + 1))
        found = self.successResultOf(reading)
        events = sorted(found, key=lambda event: event.id)
        assert [(event.stream, event.title, event.description, event.source, event.start_time)
                for event in events] == [
            ("deploys", "one", "of it\na:b, c:d", "web1", START),
            ("x" * 255, "two", None, "", START),
        ]  # fmt: skip

    def test_keeps_units_and_shows_them(self) -> None:
        backend = StoreBackend(self.store)
        verifyObject(IUnitBackend, backend)
        events: list[bytes] = []
        self.store.live.subscribers.append(events.append)
        self.successResultOf(backend.keep_units({"sent": "B"}))
        assert [event.partition(b"\n")[0] for event in events] == [b"event: descriptions"]
        assert b'"units":"B"' in events[0]

    def test_keeps_what_is_delivered(self) -> None:
        for start in (START, START + 10):
            self.outbox.put(snapshot(start))
        self.assertEqual(self.total(), 2.0)
        self.stop()
        self.assertEqual(self.metrics.total("zibrato.backend.delivered"), 8)
        self.assertEqual(self.metrics.total("zibrato.backend.dropped"), 0)

    def test_keeps_many_intervals_in_one_transaction(self) -> None:
        self.outbox.put(snapshot(START))
        self.successResultOf(self.database.write(self.fill))
        many = {Series(COUNTER, f"n{i}", "s"): Summary(1, 1.0) for i in range(3000)}
        self.outbox.put(snapshot(START)._replace(summaries=many))
        for start in range(START + 10, START + 810, 10):
            self.outbox.put(snapshot(start))
        self.successResultOf(self.database.write(self.unfill))
        statements: list[str] = []
        self.successResultOf(
            self.database.write(
                lambda writer: writer.connection.set_trace_callback(statements.append)
            )
        )
        self.clock.pump([60] * 2)
        self.assertEqual(self.outbox.pending, 0)
        self.assertEqual(self.total(), 81.0)
        self.assertLess(statements.count("COMMIT"), 5)  # the big one, the others, and maintenance
        self.stop()

    def test_a_full_disk_is_told_once_and_everything_is_kept_for_later(self) -> None:
        self.outbox.put(snapshot(START))
        self.successResultOf(self.database.write(self.fill))
        many = {Series(COUNTER, f"n{i}", "s"): Summary(1, 1.0) for i in range(3000)}
        self.outbox.put(snapshot(START + 10)._replace(summaries={**many, C: Summary(1, 7.0)}))
        self.outbox.put(snapshot(START + 20))
        self.clock.pump([5] * 20)
        self.assertEqual(self.metrics.total("zibrato.backend.delivered"), 4)
        self.assertGreater(self.metrics.total("zibrato.backend.retried"), 1)
        self.successResultOf(self.database.write(self.unfill))
        self.clock.pump([5] * 20)
        self.assertEqual(self.outbox.pending, 0)
        self.assertEqual(self.total(), 9.0)
        self.stop()

    def test_an_interval_larger_than_the_file_is_dropped_and_the_others_are_kept(self) -> None:
        self.stop()
        self.open(max_bytes=1 << 20)
        self.outbox.put(snapshot(START))
        self.successResultOf(self.database.write(self.fill))
        wide = Summary(900, 0.0, 0.0, 1.0, 0.0, 0.0, Distribution([1.02**n for n in range(900)]))
        large = {Series(TIMER, f"t{number}", "s"): wide for number in range(1400)}
        for number, summaries in enumerate([{}, large, {}], 1):
            put = snapshot(START + 10 * number)
            self.outbox.put(put._replace(summaries={**put.summaries, **summaries}))
        self.patch(retention, "disk_usage", lambda _path: SimpleNamespace(free=1 << 30))
        self.successResultOf(
            self.database.write(
                lambda writer: writer.connection.execute("PRAGMA max_page_count = 256")
            )
        )
        self.clock.pump([60] * 9)
        self.assertEqual(self.outbox.pending, 0)
        dropped = {"backend": "store", "reason": "too_large"}
        self.assertEqual(self.metrics.total("zibrato.backend.dropped", **dropped), 1400 * 900 + 4)
        self.assertEqual(self.total(), 1.0)
        self.stop()

    def fill(self, writer: Any) -> None:
        """Make the file as large as SQLite will let it be, as on a full disk."""
        self.patch(retention, "disk_usage", lambda _path: SimpleNamespace(free=0))
        (pages,) = writer.connection.execute("PRAGMA page_count").fetchone()
        writer.connection.execute(f"PRAGMA max_page_count = {pages}")

    @staticmethod
    def unfill(writer: Any) -> None:
        writer.connection.execute("PRAGMA max_page_count = 100000")
