"""Ships to a peer that is real ZeroMQ; what has arrived is what the peer acknowledges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.internet.defer import CancelledError, Deferred
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.backends.account import Account
from tests.backends.hub.peer import Peer
from tests.fake_reactor import FakeReactor
from tests.integration.processes import eventually
from zibrato.backends.hub.backend import PATIENCE, HubBackend, make
from zibrato.commands.keygen import make_keys
from zibrato.interfaces import BackendContext, Delivery, IBackend, IBackendMaker, RetryLater
from zibrato.model import COUNTER, GAUGE, Identity, Series, Snapshot, Summary
from zibrato.snapshot_parts import SnapshotPart, decode_part

NAN = float("nan")


def counters(*names: str) -> Snapshot:
    return Snapshot(10.0, 20.0, {Series(COUNTER, name, "s"): Summary(3, 7.5) for name in names})


class HubBackendTests(SynchronousTestCase):
    """A backend, and a peer at the other end of its link."""

    def setUp(self) -> None:
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name)
        self.clock = FakeReactor()
        self.peer = Peer(self.path)
        self.addCleanup(self.peer.__exit__, None, None, None)
        self.settings = {"socket": f"ipc://{self.path}/hub"}
        self.backend = self.made()
        self.account = Account()

    def made(self, **settings: str) -> HubBackend:
        context = BackendContext(self.clock, (50,))
        backend = make({**self.settings, **settings}, context)
        self.addCleanup(backend.stop)
        verifyObject(IBackend, backend)
        return backend

    def delivery(
        self, *snapshots: Snapshot, identities: Sequence[Identity | None] = ()
    ) -> Delivery:
        return Delivery(snapshots, self.account.note, identities)

    def part(self) -> SnapshotPart:
        """Return the part that the peer gets next, having let the backend look for news."""
        self.advance_until(self.peer.has_frame)
        part = decode_part(self.peer.frame())
        assert isinstance(part, SnapshotPart)
        return part

    def wait_for(self, done: Deferred[None]) -> None:
        self.advance_until(lambda: done.called)
        self.successResultOf(done)

    def advance_until(self, condition: Callable[[], bool]) -> None:
        def step() -> bool:
            self.clock.advance(0.1)
            return condition()

        eventually(step)

    def test_has_arrived_what_the_hub_has_committed(self) -> None:
        delivery = self.delivery(counters("a", "b"), identities=[Identity("run", 4)])
        done = self.backend.deliver(delivery)
        part = self.part()
        assert part.client.startswith("run-")
        assert [row.name for row in part.counters] == ["a", "b"]
        assert (part.start, part.end) == (10.0, 20.0)
        self.clock.advance(PATIENCE / 2)
        self.assertNoResult(done)
        assert self.account == {}
        assert delivery.requests_size > 0
        assert self.peer.subscription() == b"\1" + part.client.encode()
        self.peer.tell(part.client, part.sequence)
        self.wait_for(done)
        assert self.account == {None: 6}
        assert (delivery.pending, delivery.requests_size) == (0, 0)

    def test_a_hub_that_says_nothing_gets_the_same_again(self) -> None:
        delivery = self.delivery(counters("a"), identities=[Identity("run", 4)])
        done = self.backend.deliver(delivery)
        part = self.part()
        self.clock.pump([0.1] * int(PATIENCE / 0.1 + 1))
        self.assertIn(self.settings["socket"], self.failureResultOf(done, RetryLater).value.reason)
        topic = part.client.encode()
        assert self.peer.subscription() == b"\1" + topic
        again = self.backend.deliver(delivery)
        assert self.part() == part
        # By new sockets: ZeroMQ may have given up the old ones.
        ended = self.peer.subscription()
        assert ended == b"\1" + topic or self.peer.subscription() == b"\1" + topic
        self.peer.tell(part.client, part.sequence)
        self.wait_for(again)
        assert self.account == {None: 3}

    def test_after_a_restart_it_has_the_number_that_it_had(self) -> None:
        numbers = set()
        for backend in (self.backend, self.made()):
            delivery = self.delivery(counters("a"), identities=[Identity("run", 4)])
            done = backend.deliver(delivery)
            part = self.part()
            numbers.add((part.client, part.sequence))
            done.cancel()
            self.failureResultOf(done, CancelledError)
            self.successResultOf(backend.stop())
        assert len(numbers) == 1

    def test_what_is_in_no_file_has_numbers_of_its_own(self) -> None:
        parts = []
        for _ in range(2):
            done = self.backend.deliver(self.delivery(counters("a"), counters("b")))
            parts += [self.part(), self.part()]
            self.peer.tell(parts[-1].client, parts[-1].sequence)
            self.wait_for(done)
        assert len({part.client for part in parts}) == 1
        numbers = [part.sequence for part in parts]
        assert numbers == sorted(set(numbers))
        assert [part.after for part in parts] == [0, numbers[0], 0, numbers[2]]

    def test_hubs_at_other_addresses_know_nothing_of_each_other(self) -> None:
        other = self.made(socket=f"ipc://{self.path}/other")
        assert self.backend._identity(Identity("r", 1)) != other._identity(Identity("r", 1))

    def test_what_can_t_be_summed_up_further_is_dropped(self) -> None:
        bad = {Series(GAUGE, "g", "s"): Summary(2, 1.0, 1.0, 1.0, NAN, NAN)}
        delivery = self.delivery(Snapshot(10.0, 20.0, bad))
        self.successResultOf(self.backend.deliver(delivery))
        assert self.account == {"not_finite": 2}

    def test_a_socket_that_fails_is_opened_anew(self) -> None:
        backend = self.made(acknowledgements="ipc://" + "x" * 200)
        done = backend.deliver(self.delivery(counters("a")))
        self.assertIn("too long", self.failureResultOf(done, RetryLater).value.reason)

    def test_new_keys_are_taken_over_and_bad_ones_are_not(self) -> None:
        keys = self.path / "keys"
        make_keys(keys, "me")
        (keys / "server.key").write_text((keys / "me.key").read_text())
        backend = self.made(curve=str(keys))
        link = backend._link
        backend.reload({**self.settings, "curve": str(self.path / "missing")})
        assert backend._link is link
        backend.reload({**self.settings, "curve": str(keys)})
        assert backend._link is not link
        backend.reload(self.settings)
        assert backend._link._keys is None
        link = self.backend._link
        self.backend.reload(self.settings)
        assert self.backend._link is link


class SettingsTests(SynchronousTestCase):
    def refused(self, context: BackendContext | None = None, **settings: str) -> str:
        with self.assertRaises(ValueError) as caught:
            make(settings, context or BackendContext(FakeReactor(), (50,)))
        return str(caught.exception)

    def test_what_is_wrong_is_said_in_a_line(self) -> None:
        assert "expected socket=tcp://HOST:PORT" in self.refused()
        assert "socket: expected" in self.refused(socket="hub")
        assert "no next port" in self.refused(socket="tcp://hub:65535")
        assert "acknowledgements: expected" in self.refused(
            socket="tcp://hub:65535", acknowledgements="x"
        )
        assert "curve: " in self.refused(socket="tcp://hub:5550", curve="/missing")
        assert "did you mean" in self.refused(sockets="tcp://hub:5550")

    def test_one_hub_gets_everything_once(self) -> None:
        context = BackendContext(FakeReactor(), (50,))
        settings = {"socket": "tcp://hub:5550"}
        make(settings, context)
        make({"socket": "tcp://hub:5560"}, context)
        assert "another backend of this daemon ships to" in self.refused(context, **settings)

    def test_is_found_by_its_name(self) -> None:
        (maker,) = [maker for maker in getPlugins(IBackendMaker) if maker.name == "zibrato"]
        assert "another Zibrato daemon" in maker.description

    def test_a_daemon_does_not_ship_to_itself(self) -> None:
        context = BackendContext(FakeReactor(), (50,), sockets=["tcp://127.0.0.1:5550"])
        with self.assertRaisesRegex(ValueError, "socket: tcp://127.0.0.1:5550 is this daemon"):
            make({"socket": "tcp://127.0.0.1:5550"}, context)
