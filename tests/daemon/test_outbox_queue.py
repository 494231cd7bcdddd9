"""What waits, and what goes first."""

from __future__ import annotations

from zibrato.daemon.kept_snapshot import Amount, KeptSnapshot, Waiting
from zibrato.daemon.outbox_queue import MAX_TOGETHER, OutboxQueue
from zibrato.levels import EVERYTHING
from zibrato.model import Identity


def waiting(start: float, size: int = 10, *, sequence: int = 0, series: int = 1) -> Waiting:
    identity = Identity("run", sequence) if sequence else None
    amounts = {"info": Amount(series, 2 * series)}
    kept = KeptSnapshot(start, start + 10, amounts, size=size, identity=identity)
    return Waiting.of(kept, EVERYTHING)


def queue(*some: Waiting, max_bytes: int = 100, max_file_bytes: int = 100) -> OutboxQueue:
    made = OutboxQueue(max_bytes, max_file_bytes)
    for one in some:
        made.append(one)
    return made


def starts(some: object) -> list[float]:
    assert isinstance(some, list | OutboxQueue)
    return [one.kept.start for one in some]


def test_small_ones_are_taken_together_oldest_first() -> None:
    made = queue(waiting(10), waiting(20, series=MAX_TOGETHER - 1), waiting(30))
    assert starts(made.take()) == [10, 20]
    assert starts(made.take()) == [30]
    assert len(made) == 0


def test_what_is_restored_comes_first() -> None:
    made = queue(waiting(30))
    made.restore([waiting(10), waiting(20)])
    assert starts(made) == [10, 20, 30]
    assert made.measurements == 6


def test_memory_and_file_have_bounds_of_their_own() -> None:
    made = queue(
        waiting(10, 60, sequence=1), waiting(20, 50), waiting(30, 60, sequence=2), waiting(40, 50)
    )
    assert (made.memory, made.file) == (100, 120)
    assert starts(made.evict(0)) == [10]
    assert starts(made.evict(1)) == [20]
    assert starts(made) == [30, 40]


def test_what_is_too_old_expires() -> None:
    made = queue(waiting(10), waiting(20))
    assert starts(made.expire(20)) == []
    assert starts(made.expire(20.1)) == [10]
