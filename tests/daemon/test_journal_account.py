"""The account adds up for each backend, whatever happens to the daemon."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from twisted.internet.defer import Deferred, fail

from tests.daemon.journals import NOW, Running
from tests.daemon.outboxes import FakeBackend
from tests.fake_reactor import FakeReactor
from zibrato.interfaces import Delivery, RetryLater

NAMES = ("a", "b")


class Recording(FakeBackend):
    """Takes what it is given while it is `there`."""

    def __init__(self) -> None:
        super().__init__()
        self.there = True
        self.answer = self.choose

    def choose(self, delivery: Delivery) -> Deferred[None]:
        if not self.there:
            return fail(RetryLater("away"))
        return self.take(delivery)


class Daemons(RuleBasedStateMachine):
    """One daemon after the other on one file, each with two backends."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory()
        self.path = Path(self.directory.name, "outbox")
        self.clock = FakeReactor()
        self.clock.advance(NOW)
        self.backends = {name: Recording() for name in NAMES}
        self.left = dict.fromkeys(NAMES, 0)
        self.running = self.start()

    def start(self, max_file_bytes: int = 1 << 30) -> Running:
        self.running = Running(
            self.clock, self.path, dict(self.backends), max_file_bytes=max_file_bytes
        )
        return self.running

    @rule(count=st.integers(1, 3), level=st.sampled_from(["info", "error"]))
    def receive(self, count: int, level: str) -> None:
        for _ in range(count):
            self.running.count(1, level)

    @rule()
    def flush(self) -> None:
        self.running.flush()

    @rule()
    def tick(self) -> None:
        self.running.journal.tick()

    @rule(name=st.sampled_from(NAMES))
    def come_or_go(self, name: str) -> None:
        self.backends[name].there = not self.backends[name].there
        self.running.outboxes[name].retry()

    @rule(small=st.booleans())
    def crash(self, small: bool) -> None:
        self.left = {name: self.running.outboxes[name].pending for name in NAMES}
        self.running.crash()
        self.start(300 if small else 1 << 30)
        for name in NAMES:
            restored = self.running.total("outbox.restored", backend=name)
            assert restored == self.left[name]

    @rule()
    def damage(self) -> None:
        self.running.crash()
        for part in (self.path, Path(f"{self.path}-wal")):
            if part.exists():
                part.write_bytes(part.read_bytes()[:1000] + bytes(100))
        self.start()
        for name in NAMES:
            assert self.running.total("outbox.restored", backend=name) >= 0

    @invariant()
    def adds_up(self) -> None:
        for name in NAMES:
            total = self.running.total
            came = total("outbox.accepted", backend=name) + total("outbox.restored", backend=name)
            gone = total("backend.delivered", backend=name) + total("backend.dropped", backend=name)
            assert came == gone + self.running.outboxes[name].pending

    def teardown(self) -> None:
        self.running.crash()
        self.directory.cleanup()


TestDaemons = Daemons.TestCase
TestDaemons.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
