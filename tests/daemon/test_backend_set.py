"""Backends that come, change and go while a daemon runs, each with its outbox."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

from twisted.internet.defer import fail
from twisted.logger import capturedLogs, formatEvent
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import alsoProvides

from tests.daemon.outbox.outboxes import FakeBackend
from tests.fake_reactor import FakeReactor
from zibrato.backends.settings import claim_path
from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.aggregation.receiver import Receiver
from zibrato.daemon.backend_choices import BackendChoice
from zibrato.daemon.backend_set import BackendSet
from zibrato.daemon.outbox.client_sequences import ClientSequences
from zibrato.daemon.outbox.journal import Journal
from zibrato.daemon.outbox.removed_backends import RemovedBackends
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.daemon.series_filter import ALL
from zibrato.interfaces import BackendContext, IBackendMaker, IScrapedBackend, RetryLater
from zibrato.threads import Inline

TIMEOUT = 8.0


class Maker:
    """Makes fake backends, of which it keeps the last by their `place`."""

    name = "fake"
    reloaded = ("key",)
    secrets = ()

    def __init__(self) -> None:
        self.made: dict[str, Reloaded] = {}
        self.names: dict[str, str] = {}

    def make(self, settings: Mapping[str, str], context: BackendContext) -> FakeBackend:
        """Return one; no two may have the same file."""
        if "file" in settings:
            claim_path(Path(settings["file"]), context.files)
        if "bad" in settings:
            raise ValueError("bad: expected better")
        self.made[settings["place"]] = backend = Reloaded()
        if "served" in settings:
            alsoProvides(backend, IScrapedBackend)
        self.names[settings["place"]] = context.name
        return backend


class Reloaded(FakeBackend):
    """Notes the settings that it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def reload(self, settings: Mapping[str, str]) -> None:
        """Note the key."""
        self.told.append(settings.get("key", ""))


class BackendSetTests(SynchronousTestCase):
    """A set that runs with backends at a and b."""

    def setUp(self) -> None:
        self.maker, self.metrics, self.clock = Maker(), SelfMetrics(), FakeReactor()
        self.clock.advance(1000)
        self.context = BackendContext(self.clock, ())
        self.backends = BackendSet(
            self.context, self.metrics, [self.choice("a"), self.choice("b", file="/f")]
        )
        self.journal = Journal(
            ClientSequences(self.clock),
            self.backends.outboxes,
            RemovedBackends(self.clock, self.metrics),
            Inline(),
        )
        self.aggregator = Aggregator(self.metrics, interval=10.0, source="here", max_series=9)
        self.receiver = Receiver(self.aggregator, self.metrics, self.clock)
        self.backends.journal = self.journal
        self.backends.startService()

    def choice(self, place: str, *, name: str = "fake", **settings: str) -> BackendChoice:
        maker = cast(IBackendMaker, self.maker)
        return BackendChoice(maker, {"place": place, **settings}, ALL, name, 1 << 20, 3600.0)

    def reload(self, *choices: BackendChoice) -> None:
        self.backends.take_over(self.backends.plan(choices), TIMEOUT)

    def close(self) -> float:
        """Close an interval of one measurement; return its start."""
        start = self.clock.seconds()
        self.receiver.receive([b"info|counter|requests|1"])
        self.receiver.flush()
        self.clock.advance(10)
        self.journal.put(self.aggregator.close(self.clock.seconds()))
        return start // 10 * 10

    def given(self, place: str) -> list[float]:
        return self.maker.made[place].given

    def keys(self) -> list[str]:
        return [outbox.key for outbox in self.backends.outboxes]

    def test_what_is_new_gets_what_is_closed_from_then_on(self) -> None:
        first = self.close()
        self.reload(self.choice("a"), self.choice("b", file="/f"), self.choice("c", name="own"))
        second = self.close()
        self.assertEqual(self.keys(), ["fake", "fake 2", "own"])
        self.assertEqual(self.given("a"), [first, second])
        self.assertEqual(self.given("c"), [second])
        self.assertEqual(self.maker.names, {"a": "fake", "b": "fake", "c": "own"})

    def test_what_stays_is_the_same_and_told_its_settings(self) -> None:
        before = [self.maker.made[place] for place in "ab"]
        self.reload(self.choice("b", file="/f"), self.choice("a", key="k"))
        self.assertEqual([self.maker.made[place] for place in "ab"], before)
        self.assertEqual(before[0].told, ["k"])
        self.assertEqual(self.keys(), ["fake", "fake 2"])

    def test_what_is_removed_gets_no_more_and_is_stopped(self) -> None:
        self.reload(self.choice("b", file="/f"))
        start = self.close()
        self.assertEqual(self.keys(), ["fake 2"])  # that of the other one stays the other's
        self.assertEqual((self.given("a"), self.given("b")), ([], [start]))
        self.assertEqual(self.maker.made["a"].stopped, 1)
        self.assertEqual(list(self.backends.removed_outboxes), [])

    def test_what_is_removed_has_a_while_for_what_waits(self) -> None:
        removed = self.maker.made["a"]
        removed.answer = lambda _delivery: fail(RetryLater("away"))
        self.close()
        self.reload(self.choice("b", file="/f"))
        removed.answer = removed.take
        self.clock.pump([0.5] * 15)
        self.assertEqual(removed.stopped, 1)
        self.assertEqual(self.metrics.total("zibrato.backend.delivered", backend="fake"), 2)
        self.assertEqual(list(self.backends.removed_outboxes), [])

    def test_what_it_has_not_got_by_then_waits_until_it_is_back(self) -> None:
        removed = self.maker.made["a"]
        removed.answer = lambda _delivery: fail(RetryLater("away"))
        start = self.close()
        self.reload(self.choice("b", file="/f"))
        self.clock.pump([0.5] * 17)
        self.assertEqual(removed.stopped, 1)
        self.assertEqual([outbox.pending for outbox in self.backends.removed_outboxes], [1])
        self.clock.pump([1.0] * 100)
        self.reload(self.choice("b", file="/f"), self.choice("a"))
        self.clock.pump([1.0] * 100)
        self.assertEqual(self.given("a")[-1:], [start])
        second = self.close()
        self.assertEqual(self.given("a")[-2:], [start, second])
        self.assertEqual(self.metrics.total("zibrato.outbox.restored", backend="fake"), 0)

    def test_what_is_removed_again_has_its_while_again(self) -> None:
        removed, b = self.maker.made["a"], self.choice("b", file="/f")
        removed.answer = lambda _delivery: fail(RetryLater("away"))
        self.close()
        self.reload(b)
        self.clock.pump([0.5] * 12)
        self.reload(b, self.choice("a"))
        self.reload(b)
        self.clock.pump([0.5] * 12)
        self.assertEqual(removed.stopped, 0)
        self.clock.pump([0.5] * 5)
        self.assertEqual(removed.stopped, 1)

    def test_a_new_one_that_needs_a_restart_has_all_others_wait_but_for_secrets(self) -> None:
        a, b = self.maker.made["a"], self.maker.made["b"]
        none = ALL._replace(exclude=("*",))
        for choices in (
            [self.choice("c", served="yes")],
            [self.choice("a", key="k")._replace(filter=none), self.choice("c", served="yes")],
            [self.choice("d"), self.choice("a", key="l"), self.choice("c", served="yes", name="c")],
        ):
            plan = self.backends.plan(choices)
            self.backends.take_over(plan, TIMEOUT)
            start = self.close()
            self.assertEqual((a.given[-1], b.given[-1]), (start, start))
            self.assertEqual(self.maker.made["c"].stopped, 1)
        self.assertEqual(plan.restart, ["--backend c (fake)", "--backend fake"])
        self.assertEqual(self.maker.made["d"].stopped, 1)
        self.assertEqual([told for told in a.told if told], ["k", "l"])
        self.assertEqual((a.stopped, b.stopped), (0, 0))

    def test_one_that_is_to_have_the_file_of_another_that_runs_needs_a_restart(self) -> None:
        b = self.maker.made["b"]
        for choices, restart in (
            ([self.choice("a"), self.choice("c", file="/f", name="new")], ["new (fake)", "fake"]),
            ([self.choice("c", file="/f"), self.choice("d")], ["fake", "fake"]),
        ):
            plan = self.backends.plan(choices)
            self.assertEqual(plan.restart, [f"--backend {label}" for label in restart])
            self.backends.take_over(plan, TIMEOUT)
            start = self.close()
            self.assertEqual(b.given[-1], start)
            self.assertEqual((self.maker.made["c"].stopped, b.stopped), (1, 0))
        self.assertEqual(self.context.files, {Path("/f")})
        self.reload(self.choice("a", name="new"), self.choice("b", file="/f"))
        self.assertEqual(self.keys(), ["fake 2", "new"])

    def test_what_has_changed_gets_what_waits(self) -> None:
        self.maker.made["b"].answer = lambda _delivery: fail(RetryLater("away"))
        start = self.close()
        self.reload(self.choice("a"), self.choice("new", file="/f"))
        self.clock.pump([0.1] * 30)
        self.assertEqual(self.given("new"), [start])
        self.assertEqual(self.maker.made["b"].stopped, 1)
        self.assertEqual(self.context.files, {Path("/f")})

    def test_its_filter_and_bounds_are_taken_over(self) -> None:
        wanted = ALL._replace(exclude=("requests",))
        self.reload(self.choice("a")._replace(filter=wanted, outbox_age=60.0))
        self.close()
        (outbox,) = self.backends.outboxes
        self.assertEqual(outbox.health().max_age, 60.0)
        self.assertEqual(self.given("a"), [])

    def test_what_is_wrong_changes_nothing(self) -> None:
        for wrong, line in (
            (self.choice("c", bad="1", file="/g"), "--backend fake: bad: expected better"),
            (self.choice("c", file="/f"), "--backend fake: path: another backend of this daemon"),
        ):
            with self.assertRaisesRegex(UsageError, f"^{line}"):
                self.backends.plan([self.choice("b", file="/f"), self.choice("d"), wrong])
            self.assertEqual(self.maker.made["d"].stopped, 1)
        self.assertEqual(self.context.files, {Path("/f")})
        start = self.close()
        self.assertEqual((self.given("a"), self.given("b")), ([start], [start]))

    def test_one_that_fails_keeps_no_other_from_it(self) -> None:
        def fails(_settings: Mapping[str, str]) -> None:
            raise LookupError

        self.patch(self.maker.made["a"], "reload", fails)
        with capturedLogs() as events:
            self.backends.reload([self.choice("a"), self.choice("b", file="/f", key="k")])
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        self.assertIn("fake failed to reload", [formatEvent(event) for event in events])
        self.assertEqual(self.maker.made["b"].told, ["k"])
