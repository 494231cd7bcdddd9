"""Gathers text lines into batches, so that a line costs one look-up instead of its own batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from zibrato.lines import LineReader

DELAY = 0.1
"""The most seconds that a line waits for others; it never waits beyond the end of its interval."""
CHUNK = 16_384
"""Bytes of frames that are gathered before they are split into lines."""
MAX_LINES = 32_768
MAX_BYTES = 4 * 1024 * 1024
"""The most lines and bytes that wait; one frame may be as long."""
HEAD_COST = 8
"""As how many lines each different head counts in `MAX_LINES`: heads cost more to aggregate, and
the reactor has to wait meanwhile."""


class Gatherer:
    """Has `reader` split frames into lines, and hands it to `deliver` after a while.

    `deliver` gets the reader, and the Unix time at which the first of the waiting lines came. It
    must not raise.
    """

    def __init__(
        self,
        reader: LineReader,
        deliver: Callable[[LineReader, float], None],
        clock: IReactorTime,
        interval: float,
    ) -> None:
        self._reader = reader
        self._deliver = deliver
        self._clock = clock
        self._interval = interval
        self._frames: list[bytes] = []
        self._size = 0
        self._read_bytes = 0
        self._since = 0.0
        self._call: IDelayedCall | None = None

    def add(self, frame: bytes) -> None:
        """Take a frame of text lines."""
        if self._call is None:
            self._begin()
        self._frames.append(frame)
        self._take_in(len(frame))

    def _take_in(self, size: int) -> None:
        self._size += size
        if self._size >= CHUNK:
            self._read()
            waiting = self._reader.pending + HEAD_COST * self._reader.heads
            if waiting >= MAX_LINES or self._read_bytes >= MAX_BYTES:
                self.flush()

    def extend(self, frames: Sequence[bytes]) -> None:
        """Take several frames of text lines."""
        if not frames:
            return
        if self._call is None:
            self._begin()
        self._frames += frames
        self._take_in(sum(map(len, frames)))

    def flush(self) -> None:
        """Deliver all waiting lines now."""
        call, self._call = self._call, None
        if call is None:
            return
        if call.active():
            call.cancel()
        self._read()
        self._read_bytes = 0
        self._deliver(self._reader, self._since)

    def _begin(self) -> None:
        """Note when the first line came, and schedule the delivery."""
        self._since = self._clock.seconds()
        left = self._interval - self._since % self._interval
        self._call = self._clock.callLater(min(DELAY, left), self.flush)

    def _read(self) -> None:
        frames, self._frames = self._frames, []
        self._read_bytes += self._size
        self._size = 0
        self._reader.split(frames)
