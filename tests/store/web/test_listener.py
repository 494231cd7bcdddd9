"""What listens; test_service.py has what is said where that can't be."""

from __future__ import annotations

from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.resource import Resource

from tests.fake_reactor import FakeReactor
from zibrato.store.web.access_control import AccessControl
from zibrato.store.web.endpoint import server_endpoint
from zibrato.store.web.listener import Listener


class ListenerTests(SynchronousTestCase):
    def test_it_listens_from_its_start_to_its_stop(self) -> None:
        reactor = MemoryReactor()
        access = AccessControl(Resource(), None, None)
        endpoint = server_endpoint(reactor, "tcp:0:interface=127.0.0.1")  # type: ignore[arg-type]
        listener = Listener(
            FakeReactor(), "--web", "tcp:0", endpoint, access, advice="give another"
        )  # fmt: skip
        listener.startService()
        self.assertEqual(len(reactor.tcpServers), 1)
        self.assertTrue(listener.address)
        self.successResultOf(listener.stopService())
        self.successResultOf(listener.stopService())
