"""Reads datagrams fast: several in each turn of the reactor, within a budget of time."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import perf_counter

from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

MAX_DATAGRAM = 65_536
"""Bytes. UDP datagrams are always shorter; a Unix datagram of this size was truncated."""
READ_BUDGET = 0.005
"""Seconds of reading in one turn of the reactor."""
AT_ONCE = 16
"""Datagrams that are read between two looks at the clock."""
_MEMINFO = 55
"""SO_MEMINFO, which Python doesn't define: nine counters of a socket; the last counts its drops."""
_COUNTERS = struct.Struct("=9I")


@implementer(IReadDescriptor)
class DatagramReader:
    """Hands datagrams to `receive` until it is stopped; doesn't close the socket."""

    def __init__(
        self,
        datagrams: socket.socket,
        receive: Callable[[Sequence[bytes]], None],
        reject: Callable[[int, str], None],
        reactor: IReactorFDSet,
    ) -> None:
        self._socket = datagrams
        self._receive = receive
        self._reject = reject
        self._reactor = reactor
        self._may_be_cut = datagrams.family == socket.AF_UNIX
        self._drops = 0
        reactor.addReader(self)

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """Return the prefix of the reactor's log messages about it."""
        return "statsd"

    def doRead(self) -> None:
        """Read for `READ_BUDGET`; the reactor calls again as long as there is more."""
        self.read_for(READ_BUDGET)

    def read_for(self, budget: float) -> bool:
        """Read datagrams for at most `budget` seconds; return whether there may be more."""
        deadline = perf_counter() + budget
        while self._read_some():
            if perf_counter() >= deadline:
                return True
        return False

    def connectionLost(self, reason: Failure) -> None:
        """Do nothing: datagrams have no connections."""

    def stop(self) -> None:
        """Stop reading."""
        self._reactor.removeReader(self)

    def take_drops(self) -> int:
        """Return how many datagrams the kernel has dropped since the last call."""
        drops = self._drops
        with suppress(OSError, struct.error):  # not Linux, or a Linux without this counter
            counters = self._socket.getsockopt(socket.SOL_SOCKET, _MEMINFO, _COUNTERS.size)
            *_, self._drops = _COUNTERS.unpack(counters)
        return (self._drops - drops) % 2**32

    def _read_some(self) -> bool:
        """Read some datagrams; return whether there may be more."""
        frames: list[bytes] = []
        receive = self._socket.recv
        try:
            for _ in range(AT_ONCE):
                frames.append(receive(MAX_DATAGRAM))  # noqa: PERF401 - an error ends the loop
        except OSError:  # nothing more to read, or an error that concerns one datagram
            return False
        else:
            return True
        finally:
            self._receive(self._whole(frames) if self._may_be_cut else frames)

    def _whole(self, frames: Sequence[bytes]) -> Sequence[bytes]:
        whole = [frame for frame in frames if len(frame) < MAX_DATAGRAM]
        if len(whole) < len(frames):
            self._reject(len(frames) - len(whole), "size")
        return whole
