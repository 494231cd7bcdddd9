"""Client and daemon, whatever happens between them: each count arrives exactly once.

The network loses, delays and reorders frames. Daemons die at any moment, and afterwards know what
they had committed. Connections break. Then the faults end, and the sum of everything that was made
must be committed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.ways import Ways
from tests.fake_reactor import FakeReactor
from zibrato.client.acknowledged import MAX_PATIENCE
from zibrato.daemon.acknowledging import PERIOD, Acknowledger
from zibrato.daemon.outbox.client_sequences import ClientSequences, Seen
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.wire import Batch


class Daemon:
    """A simulated daemon: only what it has committed survives a restart."""

    def __init__(self, publish: Callable[[str, bytes], None]) -> None:
        self.reactor = FakeReactor()
        self.committed = 0
        self._known: dict[str, Seen] = {}
        self._publish = publish
        self.restart()

    def restart(self) -> None:
        """Kill the daemon, and start it again."""
        self._taken = 0
        self.sequences = ClientSequences(self.reactor)
        self.sequences.load(self._known)
        self.acknowledger = Acknowledger(self.sequences, SelfMetrics(), self.reactor)
        self.acknowledger.listen(self._publish)

    def receive(self, batch: Batch) -> None:
        """Accept a batch, or reject it."""
        if self.acknowledger.take(batch):
            self._taken += sum(row.count for row in batch.counters)

    def commit(self) -> None:
        """Commit the accepted batches."""
        self.reactor.advance(PERIOD)
        commit = self.sequences.begin()
        self._known.update(commit.seen)
        self.committed, self._taken = self.committed + self._taken, 0
        self.sequences.succeed(commit)

    def forget(self) -> None:
        """Kill the daemon, and lose its knowledge of clients, except what they know themselves."""
        self._known.clear()
        self.restart()


class Network:
    """A client, a daemon, and the frames between them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ways = Ways(monkeypatch, max_pending=10**6)
        self.made = 0
        self._batches: list[Batch] = []
        self._answers: list[bytes] = []
        self.daemon = Daemon(lambda _client, frame: self._answers.append(frame))

    def act(self, action: str, number: int) -> None:
        """Do one action."""
        getattr(self, f"_{action}")(number)

    def settle(self) -> bool:
        """Run without faults for a while; return whether nothing is left to send."""
        for _ in range(20):
            self._pass_time(MAX_PATIENCE)
            self._step(0)
            self._deliver(10**6)
            self._commit(0)
            self._answer(10**6)
            self._step(0)
        return self.ways.connection.pending == 0

    def _record(self, number: int) -> None:
        for _ in range(number):
            self.ways.count()
            self._step(0)
        self.made += number

    def _step(self, _number: int) -> None:
        self.ways.connection.step(1.0)
        self._batches += self.ways.take()

    def _deliver(self, number: int) -> None:
        for _ in range(min(number, len(self._batches))):
            self.daemon.receive(self._batches.pop(0))

    def _lose(self, number: int) -> None:
        del self._batches[:number]

    def _overtake(self, number: int) -> None:
        """Put a connection's frames after those of a later one: pipes are read in any order."""
        self._batches = self._batches[number:] + self._batches[:number]

    def _answer(self, number: int) -> None:
        for _ in range(min(number, len(self._answers))):
            frame = self._answers.pop(0)
            if self.ways.connector.subscribers:
                topic = self.ways.connector.client.encode()
                self.ways.subscriber.messages.append([topic, frame])

    def _lose_answers(self, number: int) -> None:
        del self._answers[:number]

    def _subscribe(self, _number: int) -> None:
        if self.ways.connector.client:
            self._answers.append(self.daemon.acknowledger.tell(self.ways.connector.client))

    def _cut(self, _number: int) -> None:
        self.ways.connection.detach()

    def _commit(self, _number: int) -> None:
        self.daemon.commit()

    def _kill(self, _number: int) -> None:
        self.daemon.restart()

    def _pass_time(self, seconds: float) -> None:
        self.ways.now += seconds


ACTIONS = (
    "record", "record", "deliver", "deliver", "commit", "commit", "answer", "answer", "step",
    "lose", "overtake", "lose_answers", "subscribe", "cut", "kill", "pass_time",
)  # fmt: skip
actions = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(1, 3)), min_size=20, max_size=100
)


@given(actions)
def test_each_count_is_committed_exactly_once(happening: list[tuple[str, int]]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        network = Network(monkeypatch)
        for action, number in happening:
            network.act(action, number)
            assert network.daemon.committed <= network.made
        assert network.settle()
        assert network.daemon.committed == network.made
        assert not network.ways.connection.dropped


@given(actions)
def test_a_daemon_that_lost_what_it_knew_is_told_where_to_begin(
    happening: list[tuple[str, int]],
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        network = Network(monkeypatch)
        for action, number in happening:
            network.act(action, number)
        assert network.settle()  # otherwise what is committed and not acknowledged is repeated
        network.daemon.forget()
        network.act("record", 3)
        assert network.settle()
        assert network.daemon.committed == network.made
