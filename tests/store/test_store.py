"""The store behind an outbox: what is loaded, updated and shown live."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from twisted.internet.defer import Deferred

from tests.fake_reactor import FakeReactor
from tests.store.cases import START, StoreTestCase, snapshot
from zibrato.interfaces import BackendContext
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Summary
from zibrato.store.db import series_bounds
from zibrato.store.db.reader import Reader

T = TypeVar("T")
CONTEXT = BackendContext(FakeReactor(), (50.0,))


class Held:
    """Does the work only once it is released."""

    def __init__(self) -> None:
        self.count = 0
        self._held: list[tuple[Callable[[], object], Deferred[Any]]] = []

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        self.count += 1
        done: Deferred[T] = Deferred()
        self._held.append((work, done))
        return done

    def release(self) -> None:
        while self._held:
            work, done = self._held.pop(0)
            done.callback(work())

    def fail(self, error: Exception) -> None:
        self._held.pop(0)[1].errback(error)

    def stop(self) -> None:
        self.release()


class LiveTests(StoreTestCase):
    """What subscribers get."""

    def subscribe(self) -> list[tuple[str, int, Any]]:
        """Return a list that events are added to as they come: name, id, data."""
        events: list[tuple[str, int, Any]] = []

        def add(data: bytes) -> None:
            for event in data.decode().split("\n\n")[:-1]:
                name, number, body = event.split("\n")
                events.append((name[7:], int(number[4:]), msgspec.json.decode(body[6:])))

        self.store.live.subscribers.append(add)
        return events

    def test_each_interval_is_published_and_new_series_before_it(self) -> None:
        events = self.subscribe()
        self.outbox.put(snapshot(START))
        self.outbox.put(snapshot(START + 10, 4.0))
        named = [(name, number) for name, number, _ in events]
        self.assertEqual(named, [("series", 1), ("interval", 1), ("interval", 2)])
        self.assertEqual([series["kind"] for series in events[0][2]], [COUNTER, TIMER, GAUGE])
        (one, two, three) = (series["id"] for series in events[0][2])
        self.assertEqual(
            events[2][2],
            {
                "start": START + 10,
                "end": START + 20,
                "points": [
                    [one, 1, 4, None, None, None, None, None, None],
                    [two, 2, 3, 1, 2, 2, 1, 2, 2],
                    [three, 1, 4, 4, 4, 4, None, None, None],
                ],
            },
        )

    def test_a_subscriber_that_fails_gets_no_more_and_fails_no_delivery(self) -> None:
        def fail(_event: bytes) -> None:
            raise AttributeError("gone")

        self.store.live.subscribers.append(fail)
        events = self.subscribe()
        self.outbox.put(snapshot(START))
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.assertEqual([name for name, _, _ in events], ["series", "interval"])
        self.assertNotIn(fail, self.store.live.subscribers)
        self.assertEqual(self.metrics.total("zibrato.backend.retried"), 0)

    def test_what_can_not_be_published_is_stored_once_all_the_same(self) -> None:
        def fail(_measured: object) -> list[int]:
            raise ZeroDivisionError

        self.patch(self.store.live, "update", fail)
        self.outbox.put(snapshot(START))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.metrics.total("zibrato.backend.retried"), 0)
        self.assertEqual(self.total(), 1.0)

    def shown(self) -> dict[str, Any]:
        return {series.kind: series for series in self.store.live.series(self.clock.seconds())}

    def ready(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.store.ready())

    def test_all_who_ask_wait_until_the_file_has_been_read(self) -> None:
        self.outbox.put(snapshot(START - 10, 4.0))
        before = self.shown()
        self.stop()
        self.open()
        held = Held()
        self.database._writing = held
        first, second, gone = self.ready(), self.ready(), self.ready()
        self.assertNoResult(first)
        self.assertNoResult(second)
        gone.cancel()
        self.failureResultOf(gone)
        held.release()
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertEqual(self.shown(), before)

    def test_who_leaves_while_it_is_read_undoes_nothing(self) -> None:
        self.outbox.put(snapshot(START - 10, 4.0))
        before = self.shown()
        self.stop()
        self.open()
        held = Held()
        self.database._writing = held
        first, second = self.ready(), self.ready()
        first.cancel()
        self.assertNoResult(second)
        held.release()
        self.successResultOf(second)
        self.assertEqual(self.shown(), before)
        self.assertEqual(held.count, 1)

    def test_a_file_that_could_not_be_read_is_read_when_next_asked_for(self) -> None:
        held = Held()
        self.database._writing = held
        first = self.ready()
        held.fail(sqlite3.OperationalError("disk I/O error"))
        self.failureResultOf(first, sqlite3.OperationalError)
        second = self.ready()
        held.release()
        self.successResultOf(second)

    def test_what_is_delivered_before_it_is_read_is_counted_once(self) -> None:
        self.outbox.put(snapshot(START, 4.0))
        self.successResultOf(self.ready())
        self.assertEqual(self.shown()[COUNTER].spark, [4.0])

    def test_a_series_silent_for_long_has_its_last_value(self) -> None:
        self.outbox.put(snapshot(START - 50_000, 4.0))
        self.stop()
        self.open()
        self.successResultOf(self.ready())
        shown = self.shown()
        self.assertEqual([shown[kind].last for kind in (COUNTER, TIMER, GAUGE)], [4.0, 2.0, 4.0])
        self.assertEqual({series.seen for series in shown.values()}, {START - 50_000})
        self.assertEqual([*shown[GAUGE].spark], [])

    def test_series_that_were_deleted_to_make_room_are_no_longer_shown(self) -> None:
        self.successResultOf(self.ready())
        self.patch(series_bounds, "SHARE", (1 << 30) // 500)
        for number in range(5):
            series = Series(GAUGE, f"g.{number}", "")
            summaries = {series: Summary(1, 1.0, 1.0, 1.0, 1.0, 1.0)}
            self.outbox.put(snapshot(START)._replace(start=START + number, summaries=summaries))
        stored = self.successResultOf(self.database.read(Reader.series))
        self.assertEqual({one.name for one in stored.values()}, {"g.2", "g.3", "g.4"})
        self.assertEqual({one.id for one in self.store.live.series(START)}, {*stored})
        self.stop()

    def test_series_without_room_are_not_shown(self) -> None:
        self.successResultOf(self.ready())
        self.patch(series_bounds, "SHARE", (1 << 30) // 500)
        many = {Series(GAUGE, f"g.{n}", ""): Summary(1, 1.0, 1.0, 1.0, 1.0, 1.0) for n in range(5)}
        self.outbox.put(snapshot(START)._replace(summaries=many))
        shown = [one.name for one in self.store.live.series(START)]
        self.assertEqual(shown, ["g.0", "g.1", "g.2"])
        self.stop()

    def test_a_restart_loads_from_the_file(self) -> None:
        self.outbox.put(snapshot(START - 20, 2.0))
        self.outbox.put(snapshot(START - 10, 4.0))
        before = self.shown()
        self.stop()
        self.open()
        self.successResultOf(Deferred.fromCoroutine(self.store.ready()))
        self.assertEqual(self.shown(), before)
        self.stop()

    def test_of_more_series_than_are_held_a_restart_loads_the_newest(self) -> None:
        self.stop()
        for _ in range(2):
            self.open(max_series=10)
            self.successResultOf(Deferred.fromCoroutine(self.store.ready()))
            for number in range(100):
                series = Series(GAUGE, f"g.{number}", "")
                summaries = {series: Summary(1, 1.0, 1.0, 1.0, 1.0, 1.0)}
                start = START + number
                self.outbox.put(snapshot(start)._replace(start=start, summaries=summaries))
            shown = [series.name for series in self.store.live.series(START)]
            self.assertEqual(shown, [f"g.{number}" for number in range(90, 100)])
            self.stop()
        self.open(max_series=10)
        self.successResultOf(Deferred.fromCoroutine(self.store.ready()))
        self.assertEqual([series.name for series in self.store.live.series(START)], shown)
        kept = self.successResultOf(self.database.read(lambda reader: len(reader.series())))
        self.assertEqual(kept, 100)
        self.stop()
