"""What waits, and what goes first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from zibrato.daemon.outbox.kept_snapshot import Amount, KeptSnapshot, Waiting
from zibrato.daemon.outbox.queue import MAX_TOGETHER, OutboxQueue
from zibrato.daemon.series_filter import ALL
from zibrato.model import Identity


def waiting(start: float, size: int = 10, *, sequence: int = 0, series: int = 1) -> Waiting:
    identity = Identity("run", sequence) if sequence else None
    amounts = {"info": Amount(series, 2 * series)}
    kept = KeptSnapshot(start, start + 10, amounts, size=size, identity=identity)
    return Waiting.of(kept, ALL)


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
        waiting(10, 60, sequence=1), waiting(20, 60, sequence=2), waiting(30, 50), waiting(40, 50)
    )
    assert (made.memory, made.file) == (100, 120)
    made.max_file_bytes = 120
    assert made.evict(0) == []
    made.max_file_bytes = 119
    assert starts(made.evict(0)) == [10]
    assert starts(made.evict(1)) == [30]
    assert starts(made) == [20, 40]
    assert (made.memory, made.file, made.measurements) == (50, 60, 4)


def test_what_is_committed_later_moves_to_the_file() -> None:
    first, second = waiting(10, 60), waiting(20, 50)
    made = queue(first, second)
    first.kept.identity, first.kept.size = Identity("run", 1), 7
    made.confirm()
    assert (made.memory, made.file) == (50, 7)
    assert starts(list(made.in_memory)) == [20]
    assert starts(made.clear_file()) == [10]
    assert starts(made.clear_memory()) == [20]
    assert (len(made), made.memory, made.file, made.measurements) == (0, 0, 0, 0)


def test_what_is_too_old_expires() -> None:
    made = queue(waiting(10), waiting(20))
    assert starts(made.expire(20)) == []
    assert starts(made.expire(20.1)) == [10]
    assert starts(made) == [20]


def test_one_that_came_late_expires_before_newer_ones() -> None:
    made = queue(waiting(20, sequence=1), waiting(10, sequence=2))
    assert starts(made.expire(20.1)) == [10]
    assert starts(made.expire(30.1)) == [20]
    assert made.file == 0


def test_nothing_walks_through_what_is_in_the_file() -> None:
    made = queue(*(waiting(10.0 * n, 1, sequence=n + 1) for n in range(5)))
    made._in_file = Unwalked(made._in_file)
    assert made.evict(0) == made.expire(10) == []
    assert (made.measurements, made.memory, made.file) == (10, 0, 5)
    assert list(made.in_memory) == []
    made.confirm()


class Unwalked(deque[Waiting]):
    """One that must not be walked through."""

    def __iter__(self) -> Iterator[Waiting]:
        raise AssertionError("walked through")
