"""The intake as a service: its site listens if it has one, and it drains what has come."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from zibrato.intake.otlp.service import OtlpIntake
from zibrato.interfaces import IIntake


class Site(Service):
    """What listens at an endpoint; it takes until a test says so to stop."""

    def __init__(self) -> None:
        self.stopped: Deferred[None] = Deferred()

    def stopService(self) -> Deferred[None]:
        Service.stopService(self)
        return self.stopped


class Exports:
    """What answers requests; it stops when a test says so."""

    def __init__(self) -> None:
        self.stopped: Deferred[None] = Deferred()
        self.is_stopping = False

    async def stop(self) -> None:
        self.is_stopping = True
        await self.stopped


class ServiceTests(SynchronousTestCase):
    def intake(self, site: Site | None) -> OtlpIntake:
        self.exports = Exports()
        exports: Any = self.exports
        served: Any = site
        return OtlpIntake(exports, served)

    def test_it_is_an_intake_that_no_client_of_zeromq_reaches(self) -> None:
        intake = self.intake(None)
        verifyObject(IIntake, intake)
        intake.startService()
        self.assertEqual([*intake.addresses], [])
        self.assertIsNone(intake.problem())
        intake.reload()
        self.successResultOf(intake.stopService())

    def test_it_listens_from_start_to_drain(self) -> None:
        site = Site()
        intake = self.intake(site)
        self.assertFalse(site.running)
        intake.startService()
        self.assertTrue(site.running)
        drained = intake.drain()
        self.assertFalse(site.running)
        self.assertFalse(self.exports.is_stopping)
        site.stopped.callback(None)
        self.assertNoResult(drained)
        self.exports.stopped.callback(None)
        self.successResultOf(drained)
        self.successResultOf(intake.stopService())
