"""Batches of acknowledged clients: each is taken once, in order, and told of when committed."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from zibrato.daemon.acknowledging import MAX_GAPS, PERIOD, Acknowledger
from zibrato.daemon.outbox.client_sequences import MAX_AGE, ClientSequences, Seen
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.snapshot_parts import VERSION as PART_VERSION
from zibrato.snapshot_parts import SnapshotPart
from zibrato.wire import VERSION, Batch, decode_acknowledgement

Told = tuple[str, int | None, int | None]


def a_batch(sequence: int, acknowledged: int = 0, client: str = "a") -> Batch:
    return Batch(VERSION, client, sequence, 1.0, 2.0, acknowledged=acknowledged)


def a_part(sequence: int, after: int) -> SnapshotPart:
    return SnapshotPart(PART_VERSION, "a", sequence, after, 1.0, 2.0)


class AcknowledgerTests(SynchronousTestCase):
    """One of a client `a`, whose commits succeed when a test says so."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.metrics = SelfMetrics()
        self.asked = 0
        self.told: list[Told] = []
        self.begin()

    def begin(self, **known: int) -> None:
        self.sequences = ClientSequences(self.clock)
        self.sequences.load({client: Seen(number, 0.0) for client, number in known.items()})
        self.acknowledger = Acknowledger(self.sequences, self.metrics, self.clock, self.ask)
        self.silence = self.acknowledger.listen(self.note)

    def ask(self) -> None:
        self.asked += 1

    def note(self, client: str, frame: bytes) -> None:
        message = decode_acknowledgement(frame)
        assert message is not None
        assert message.instance == self.acknowledger.instance
        self.told.append((client, message.committed, message.wanted))

    def take(self, *sequences: int, acknowledged: int = 0) -> Sequence[int]:
        """Return those of the numbers that are taken."""
        return [
            number for number in sequences if self.acknowledger.take(a_batch(number, acknowledged))
        ]

    def take_parts(self, *parts: tuple[int, int]) -> Sequence[int]:
        """Return the numbers of those that are taken of parts with a number and what is before."""
        return [one for one, after in parts if self.acknowledger.take(a_part(one, after))]

    def commit(self) -> None:
        self.sequences.succeed(self.sequences.begin())

    def test_batches_in_order_are_taken_and_told_of_once_they_are_committed(self) -> None:
        assert self.take(1, 2, 3) == [1, 2, 3]
        self.clock.advance(PERIOD)
        assert (self.asked, self.told) == (1, [])
        self.commit()
        assert self.told == [("a", 3, None)]

    def test_what_comes_after_the_commit_began_is_not_told_of_with_it(self) -> None:
        self.take(1)
        self.clock.advance(PERIOD)
        self.take(2)
        self.commit()
        assert self.told == [("a", 1, None)]
        self.take(1)
        assert self.told == [("a", 1, None)] * 2
        self.clock.advance(PERIOD)
        self.commit()
        assert self.told[-1] == ("a", 2, None)

    def test_a_part_is_taken_after_what_is_before_it_however_far_apart(self) -> None:
        assert self.take_parts((100, 0), (101, 100), (200, 101)) == [100, 101, 200]
        assert self.take_parts((101, 100), (100, 0)) == []
        assert self.metrics.total("zibrato.intake.repeated") == 2
        self.clock.advance(PERIOD)
        self.commit()
        assert self.told == [("a", 200, None)]

    def test_a_part_after_one_that_is_missing_is_not_taken(self) -> None:
        self.begin(a=100)
        assert self.take_parts((300, 200)) == []
        assert self.told == [("a", 100, 101)]
        assert self.metrics.total("zibrato.intake.out_of_order") == 1
        assert self.take_parts((200, 100), (300, 200)) == [200, 300]

    def test_a_part_that_needs_nothing_is_taken_where_what_was_known_is_lost(self) -> None:
        assert self.take_parts((300, 200)) == []
        assert self.told == [("a", None, 1)]
        assert self.take_parts((300, 0)) == [300]

    def test_what_comes_again_is_dropped_and_told_of_where_it_is_committed(self) -> None:
        self.take(1)
        assert self.take(1) == []
        assert self.told == []
        self.clock.advance(PERIOD)
        self.commit()
        assert self.take(1) == []
        assert self.told == [("a", 1, None)] * 2
        assert self.metrics.total("zibrato.intake.repeated") == 2

    def test_after_a_gap_nothing_is_taken_and_the_gap_is_told_of_once(self) -> None:
        assert self.take(1, 3, 4, 5) == [1]
        assert self.told == [("a", 0, 2)]
        assert self.metrics.total("zibrato.intake.out_of_order") == 3
        assert self.take(2, 3, 5) == [2, 3]
        assert self.told == [("a", 0, 2), ("a", 0, 4)]

    def test_an_unknown_client_begins_after_what_it_knows_to_be_committed(self) -> None:
        assert self.take(7, acknowledged=5) == []
        assert self.told == [("a", None, 6)]
        assert self.take(6, 7, acknowledged=5) == [6, 7]

    def test_a_client_that_has_forgotten_what_is_unknown_here_goes_on(self) -> None:
        self.begin(a=3)
        assert self.take(4, 9, acknowledged=8) == [9]

    def test_one_who_comes_is_told_what_is_committed_and_wanted(self) -> None:
        self.begin(b=3)
        self.take(1)
        for client in "abc":
            self.note(client, self.acknowledger.tell(client))
        assert self.told == [("a", 0, 2), ("b", 3, 4), ("c", None, None)]

    def test_what_can_not_be_committed_is_not_told_of(self) -> None:
        self.take(1)
        self.clock.advance(PERIOD)
        self.sequences.fail(self.sequences.begin())
        assert self.told == []
        self.commit()
        assert self.told == [("a", 1, None)]

    def test_at_the_end_nothing_is_gathered_any_more(self) -> None:
        self.acknowledger.commit_now()
        assert self.asked == 0
        self.take(1)
        self.acknowledger.commit_now()
        assert self.asked == 1
        assert self.clock.getDelayedCalls() == []
        self.commit()
        assert self.told == [("a", 1, None)]

    def test_clients_with_gaps_are_bounded(self) -> None:
        for number in range(MAX_GAPS + 10):
            self.acknowledger.take(a_batch(5, client=f"{number}"))
        assert len(self.told) == MAX_GAPS + 10
        assert len(self.acknowledger._gaps) <= MAX_GAPS

    def test_nothing_is_kept_of_clients_that_are_forgotten_before_they_are_committed(self) -> None:
        for client in "ab":
            self.acknowledger.take(a_batch(1, client=client))
        self.clock.advance(MAX_AGE + 1)
        self.acknowledger.take(a_batch(1, client="c"))
        self.clock.advance(PERIOD)
        self.commit()
        assert self.told == [("a", 1, None), ("b", 1, None), ("c", 1, None)]
        assert self.acknowledger._committed == {}

    def test_who_is_silenced_is_told_no_more(self) -> None:
        self.silence()
        self.take(1, 3)
        assert self.told == []
