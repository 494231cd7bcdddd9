"""Measure one call by many successive calls, in rounds in which every row has its turn.

The figure is the processor time of the calling threads: neither other programs on the machine nor
waiting count. The garbage collector is on, as in an application. A row's figure is the median over
the rounds.
"""

from __future__ import annotations

import itertools
import random
import statistics
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

UNROLLED = 20
THREADS = 4
SLICE = 0.004
"""Seconds that a row's turn should take."""
_LOOP = """\
{define} run(repeat):
    for _ in repeat:
{body}
"""


@dataclass(frozen=True)
class Snippet:
    """A statement to time, with the names that it uses; if it has `await`, it runs in a coroutine.

    `by_hand` means that the library has no such instrument: this is what one would write by hand.
    """

    statement: str
    names: Mapping[str, Any]  # most libraries have no types
    by_hand: bool = False
    threads: int = 1
    measurements: int = 1
    """How many measurements one call makes."""


@dataclass
class Row:
    """A snippet and its results: nanoseconds for a call, one figure for each round."""

    snippet: Snippet
    figures: list[float] = field(default_factory=list)
    calls: int = 0
    """How many calls were made in total."""
    _slice: int = UNROLLED

    def __post_init__(self) -> None:
        self._run = _compiled(self.snippet)

    @property
    def median(self) -> float:
        """Nanoseconds for a call."""
        return statistics.median(self.figures)

    def prepare(self) -> None:
        """Find out how many calls fill a turn; this also absorbs what is slow only at first."""
        for _ in range(3):
            self.turn()
        self._slice = max(UNROLLED, int(SLICE * 1e9 / self.figures[-1]))
        self.figures.clear()

    def turn(self) -> None:
        """Make the calls of one turn, and note the time of one call."""
        rounds = -(-self._slice // UNROLLED)
        calls = rounds * UNROLLED * self.snippet.threads
        self.calls += calls
        self.figures.append(self._run(rounds) / calls * 1e9)


def measure(rows: Sequence[Row], rounds: int) -> None:
    """Give every row a turn in each of the rounds, in random order."""
    for row in rows:
        row.prepare()
    order = list(rows)
    for _ in range(rounds):
        random.shuffle(order)
        for row in order:
            row.turn()


def _compiled(snippet: Snippet) -> Callable[[int], float]:
    """Return a function that runs the statement `UNROLLED` times a round, and returns seconds."""
    indented = "".join(f"        {line}\n" for line in snippet.statement.splitlines())
    is_async = "await" in snippet.statement
    source = _LOOP.format(define="async def" if is_async else "def", body=indented * UNROLLED)
    namespace = dict(snippet.names)
    exec(compile(source, f"<{snippet.statement}>", "exec"), namespace)  # noqa: S102 - the measured code
    run = namespace["run"]
    body = (lambda repeat: _drive(run(repeat))) if is_async else run
    if snippet.threads > 1:
        return lambda rounds: _timed_threads(body, rounds, snippet.threads)
    return lambda rounds: _timed(body, rounds)


def _timed(run: Callable[[Iterator[object]], object], rounds: int) -> float:
    repeat = itertools.repeat(None, rounds)
    began = time.thread_time()
    run(repeat)
    return time.thread_time() - began


def _timed_threads(run: Callable[[Iterator[object]], object], rounds: int, number: int) -> float:
    """Return the total time of `number` threads that ran at the same time."""
    times: list[float] = []
    threads = [
        threading.Thread(target=lambda: times.append(_timed(run, rounds))) for _ in range(number)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(times)


def _drive(coroutine: Coroutine[object, None, object]) -> None:
    """Run a coroutine that never waits, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("it waited for something")
