"""Intakes that come and go; what closes is drained first."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import cast

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from zibrato.daemon.intake_set import IntakeSet, Opened
from zibrato.daemon.settings import Settings
from zibrato.interfaces import IIntake


@implementer(IIntake)
class FakeIntake(Service):
    """Is drained when a test says so; a busy one can't be started."""

    def __init__(self, place: str) -> None:
        self.addresses = (place,)
        self.drained: Deferred[None] = Deferred()

    def startService(self) -> None:
        """Start, unless it is busy."""
        if "busy" in self.addresses:
            raise OSError(98, "--socket: can't use busy")
        Service.startService(self)

    def drain(self) -> Deferred[None]:
        """Fire later."""
        return self.drained

    def reload(self) -> None:
        """Do nothing."""

    def problem(self) -> str | None:
        """Have none."""
        return None


class IntakeSetTests(SynchronousTestCase):
    """A set that runs with a and b, and a fixed one."""

    def setUp(self) -> None:
        self.made: dict[Hashable, FakeIntake] = {}
        self.fixed = FakeIntake("fixed")
        self.intakes = IntakeSet(self.make, self.settings("a", "b"), [self.fixed])
        self.intakes.startService()

    def settings(self, *places: str) -> Settings:
        return cast(Settings, places)

    def make(self, settings: Settings, known: Collection[Hashable]) -> Opened:
        places = cast("tuple[str, ...]", settings)
        if "wrong" in places:
            raise UsageError("--socket: wrong")
        made: dict[Hashable, FakeIntake] = {
            place: FakeIntake(place) for place in places if place not in known
        }
        self.made |= made
        return {**made}

    def test_what_is_new_is_open_at_once_and_what_is_gone_once_it_is_drained(self) -> None:
        self.intakes.open(self.settings("b", "c"))
        self.assertEqual(self.intakes.addresses, ["a", "b", "c", "fixed"])
        self.assertTrue(self.made["c"].running)
        closing = Deferred.fromCoroutine(self.intakes.close_others({"b", "c"}))
        self.assertTrue(self.made["a"].running)
        self.assertEqual(self.intakes.addresses, ["b", "c", "fixed"])
        self.made["a"].drained.callback(None)
        self.successResultOf(closing)
        self.assertFalse(self.made["a"].running)
        self.assertTrue(self.made["b"].running)

    def test_what_can_t_be_had_changes_nothing(self) -> None:
        for places in (("b", "c", "busy"), ("wrong",)):
            with self.assertRaisesRegex(UsageError, "^--socket: "):
                self.intakes.open(self.settings(*places))
            self.assertEqual(self.intakes.addresses, ["a", "b", "fixed"])
        self.assertFalse(self.made["c"].running)

    def test_a_drain_that_fails_closes_all_the_same(self) -> None:
        closing = Deferred.fromCoroutine(self.intakes.close_others({"b"}))
        self.made["a"].drained.errback(LookupError())
        self.successResultOf(closing)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        self.assertFalse(self.made["a"].running)

    def test_a_stop_drains_all(self) -> None:
        drained = Deferred.fromCoroutine(self.intakes.drain())
        for intake in (self.made["a"], self.made["b"]):
            intake.drained.callback(None)
        self.assertNoResult(drained)
        self.fixed.drained.callback(None)
        self.successResultOf(drained)
