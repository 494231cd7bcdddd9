"""Answers OTLP's export requests; used by the page and by the intake's own endpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.web.iweb import IRequest

from zibrato.inflation import MAX_INFLATED, inflate, inflated_size
from zibrato.intake.otlp import encoding
from zibrato.intake.otlp.conversion import Converted, convert
from zibrato.intake.otlp.encoding import Answer, accepted, refused
from zibrato.intake.otlp.smallest_first import SmallestFirst
from zibrato.intake.otlp.streams import Streams
from zibrato.interfaces import Reactor
from zibrato.model import SummaryRow

ROWS = 1000
"""Rows that are aggregated together, which takes some milliseconds of the reactor's time."""
RETRY_AFTER = b"1"
REASONS: Mapping[int, str] = {400: "malformed", 413: "size"}
"""The reason for which a request is rejected as a whole, by the answer's status."""
UNREAD = Answer(503, b"")
"""The answer to a client that has disconnected, which is never sent."""
T = TypeVar("T")


class Receives(Protocol):
    """Aggregates rows; the daemon's receiver."""

    def receive_summaries(self, rows: Sequence[SummaryRow]) -> Counter[str]:
        """Aggregate rows; return how many were rejected or dropped, by reason."""

    def reject(self, count: int, reason: str) -> None:
        """Count rejected measurements; `reason` is one word."""


class KeepsUnits(Protocol):
    """Hands units on to backends."""

    def tell(self, units: Mapping[str, str]) -> None:
        """Hand on units by names of metrics."""


class Runs(Protocol):
    """Runs a function in a thread."""

    def __call__(self, work: Callable[[], T]) -> Deferred[T]:
        """Run `work`; the Deferred fires with what it returns or raises."""


def in_threads(reactor: Reactor) -> Runs:
    """Return a `Runs` that uses the reactor's thread pool."""

    def run(work: Callable[[], T]) -> Deferred[T]:
        result: Deferred[T] = deferToThreadPool(reactor, reactor.getThreadPool(), work)
        return result

    return run


class Exports:
    """Answers requests one after the other, because they share the state of streams.

    Requests are decoded in a thread, since a large one takes a tenth of a second, and seconds if it
    is made for that. Therefore smaller ones, which take less, come first.
    """

    _log = Logger()

    def __init__(self, reactor: Reactor, receiver: Receives, units: KeepsUnits, run: Runs) -> None:
        self._reactor = reactor
        self._receiver = receiver
        self._units = units
        self._run = run
        self._streams = Streams(int(reactor.seconds() * 10**9))
        self._turns = SmallestFirst()
        self._stopped = False

    def answer(self, request: IRequest) -> Deferred[bytes]:
        """Return the body of the response, after setting its status and headers.

        A request that has begun is finished even if it is cancelled: once the thread has noted a
        stream's total, its growth must be aggregated. A cancelled request that still waits isn't
        begun, because its client sends it again.
        """
        answered: Deferred[bytes] = Deferred()
        answering = self._answer(request, lambda: bool(answered.called))
        Deferred.fromCoroutine(answering).addBoth(answered.callback)
        return answered

    async def stop(self) -> None:
        """Finish the request in progress; answer later ones that they should try again."""
        self._stopped = True
        async with self._turns.turn(inf):
            pass

    async def _answer(self, request: IRequest, is_gone: Callable[[], bool]) -> bytes:
        kind = _header(request, b"content-type").partition(b";")[0].strip()
        coding = _header(request, b"content-encoding")
        body: bytes = request.content.read()
        if kind not in encoding.KINDS or coding not in {b"", b"identity", b"gzip"}:
            expected = b" or ".join(encoding.KINDS)
            return _text(request, 415, b"expected %b, plain or as gzip" % expected)
        if not encoding.is_installed():
            return _text(request, 501, encoding.MISSING.encode())
        try:
            answer = await self._export(kind, body, coding == b"gzip", is_gone)
        except Exception:
            self._log.failure("a request with OTLP metrics could not be processed")
            self._receiver.reject(1, "fault")
            return _text(request, 500, b"an internal error; the daemon's log has details")
        request.setResponseCode(answer.status)
        request.setHeader(b"Content-Type", kind)
        if answer.status == 503:
            request.setHeader(b"Retry-After", RETRY_AFTER)
        return answer.body

    async def _export(
        self, kind: bytes, body: bytes, gzipped: bool, is_gone: Callable[[], bool]
    ) -> Answer:
        size = inflated_size(body) if gzipped else len(body)
        async with self._turns.turn(size):
            if is_gone():
                return UNREAD
            if self._stopped:
                return await self._run(lambda: refused(kind, 503, "the daemon is stopping"))
            now = self._reactor.seconds()
            read = await self._run(lambda: self._read(kind, body, gzipped, now))
            if isinstance(read, Answer):
                self._receiver.reject(1, REASONS[read.status])
                return read
            return accepted(kind, await self._take(read))

    def _read(self, kind: bytes, body: bytes, gzipped: bool, now: float) -> Converted | Answer:
        """Decode and convert a body, or return the answer if it is invalid; runs in a thread."""
        try:
            request = encoding.decode(kind, inflate(body, MAX_INFLATED) if gzipped else body)
        except OverflowError as error:
            return refused(kind, 413, str(error))
        except ValueError as error:
            return refused(kind, 400, str(error))
        return convert(request, self._streams, now)

    async def _take(self, converted: Converted) -> Counter[str]:
        """Aggregate rows, with pauses in which the reactor does other work; return losses."""
        rows, lost, units = converted
        for reason, count in lost.items():
            self._receiver.reject(count, reason)
        for start in range(0, len(rows), ROWS):
            if start:
                await deferLater(self._reactor, 0)
            lost = lost + self._receiver.receive_summaries(rows[start : start + ROWS])
        self._units.tell(units)
        return lost


def _header(request: IRequest, name: bytes) -> bytes:
    value: bytes = request.getHeader(name) or b""
    return value.strip().lower()


def _text(request: IRequest, status: int, line: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
    return line
