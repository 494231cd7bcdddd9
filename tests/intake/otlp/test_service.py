"""The intake as a service: it listens if it is to, and drains what has come."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from zibrato.intake.otlp.service import Listening, OtlpIntake
from zibrato.interfaces import IIntake

V4 = IPv4Address("TCP", "127.0.0.1", 4318)


class Port:
    """A port that listens, and its endpoint."""

    def __init__(self, host: Any = V4, error: Exception | None = None) -> None:
        self.host = host
        self.error = error
        self.stops = 0

    def listen(self, _site: object) -> Deferred[Any]:
        return succeed(self) if self.error is None else fail(self.error)

    def getHost(self) -> object:
        return self.host

    def stopListening(self) -> None:
        self.stops += 1


class Exports:
    """What answers requests; it stops when a test says so."""

    def __init__(self) -> None:
        self.stopped: Deferred[None] = Deferred()

    async def stop(self) -> None:
        await self.stopped


class ServiceTests(SynchronousTestCase):
    reloads = 0

    def reload(self) -> None:
        self.reloads += 1

    def intake(self, port: Port | None) -> OtlpIntake:
        self.exports = Exports()
        endpoint: Any = port
        site: Any = None
        exports: Any = self.exports
        listening = None if port is None else Listening("tcp:4318", endpoint, site, self.reload)
        return OtlpIntake(exports, listening)

    def test_it_is_an_intake_that_no_client_of_zeromq_reaches(self) -> None:
        intake = self.intake(None)
        verifyObject(IIntake, intake)
        intake.startService()
        self.assertEqual([*intake.addresses], [])
        self.successResultOf(intake.stopService())

    def test_it_listens_from_start_to_drain(self) -> None:
        port = Port()
        intake = self.intake(port)
        intake.startService()
        self.assertEqual(intake.address, "http://127.0.0.1:4318/v1/metrics")
        drained = intake.drain()
        self.assertEqual(port.stops, 1)
        self.assertNoResult(drained)
        self.exports.stopped.callback(None)
        self.successResultOf(drained)
        self.successResultOf(intake.stopService())
        self.assertEqual(port.stops, 1)

    def test_a_reload_is_for_what_serves_there(self) -> None:
        self.intake(None).reload()
        self.assertEqual(self.reloads, 0)
        self.intake(Port()).reload()
        self.assertEqual(self.reloads, 1)

    def test_its_address_is_what_to_export_to(self) -> None:
        for host, address in (
            (IPv6Address("TCP", "::1", 1), "http://[::1]:1/v1/metrics"),
            (UNIXAddress("/s"), "UNIXAddress('/s')"),
        ):
            intake = self.intake(Port(host))
            intake.startService()
            self.assertEqual(intake.address, address)

    def test_where_it_can_t_listen_is_one_line(self) -> None:
        error = CannotListenError("127.0.0.1", 1, OSError(98, "Address already in use"))
        intake = self.intake(Port(error=error))
        with self.assertRaises(OSError) as caught:
            intake.startService()
        self.assertIn("--otlp: can't listen at tcp:4318: ", str(caught.exception))
        self.assertIn("give another endpoint", str(caught.exception))
