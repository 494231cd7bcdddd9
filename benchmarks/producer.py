"""Push frames to a daemon as fast as it accepts them; run by ingest.py.

    python -m benchmarks.producer ENDPOINT FORM SIZE SECONDS DAEMON_PID

FORM is `batch` (SIZE samples in one batch, distributed over 8 series as evenly as possible) or
`text` (SIZE lines in a frame). In the first second the queues fill. After that, what was sent in
SECONDS is what the daemon received, because a full queue blocks this process. Prints one line of
JSON.
"""

from __future__ import annotations

import json
import random
import sys
import time
from array import array
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from typing import NamedTuple

import zmq

from benchmarks.processes import cpu_seconds
from zibrato.wire import VERSION, Batch, SampleRow, encode, pack

SERIES = [f"bench.timer{number}" for number in range(8)]
ROUND = 64
WARM_UP = 1.0
HIGH_WATER = 64
PATIENCE = 10_000
"""Milliseconds after which a daemon that accepts nothing is considered dead."""


class Window(NamedTuple):
    """The measured time window: Unix times, and processor seconds of the daemon."""

    start: float
    end: float
    measurements: int
    cpu: float


def main(endpoint: str, form: str, size: int, seconds: float, daemon: int) -> None:
    """Send, then print how much was sent, and the time window of the measurement."""
    rounds: dict[str, Callable[[int, float], list[bytes]]] = {"batch": batches, "text": lines}
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.set(zmq.SNDHWM, HIGH_WATER)
    socket.set(zmq.SNDTIMEO, PATIENCE)
    socket.connect(endpoint)
    sender = Sender(socket, rounds[form], size)
    sender.run(WARM_UP)
    start, before, cpu = time.time(), sender.sent, cpu_seconds(daemon)
    sender.run(seconds)
    window = Window(start, time.time(), sender.sent - before, cpu_seconds(daemon) - cpu)
    print(json.dumps({"sent": sender.sent, "window": window}), flush=True)
    sys.stdin.read()
    context.destroy(linger=0)


class Sender:
    """Sends rounds of frames, which are remade once a second, because their times must be current.

    `sent` counts measurements.
    """

    def __init__(
        self, socket: zmq.Socket[bytes], make: Callable[[int, float], list[bytes]], size: int
    ) -> None:
        self._send = socket.send
        self._make = make
        self._size = size
        self.sent = 0

    def run(self, seconds: float) -> None:
        """Send for so many seconds."""
        end = time.time() + seconds
        while (now := time.time()) < end:
            self._second(self._make(self._size, now), min(now + 1, end))

    def _second(self, frames: list[bytes], end: float) -> None:
        while time.time() < end:
            for frame in frames:
                self._send(frame)
            self.sent += self._size * len(frames)


def batches(size: int, now: float) -> list[bytes]:
    """Return encoded batches of `size` samples each; those with fewer than 8 share the series."""
    chance = random.Random(1)
    names = cycle(SERIES)
    return [
        encode(Batch(VERSION, "bench", number, now, now, (), _rows(size, names, chance), ()))
        for number in range(ROUND)
    ]


def _rows(size: int, names: Iterator[str], chance: random.Random) -> list[SampleRow]:
    rows = min(size, len(SERIES))
    return [
        SampleRow(
            name, "info", None, {}, pack(_samples(size // rows + (row < size % rows), chance))
        )
        for row, name in enumerate(islice(names, rows))
    ]


def _samples(count: int, chance: random.Random) -> array[float]:
    """Return durations like those of web requests, with a median of 10 ms."""
    return array("d", [chance.lognormvariate(-4.6, 1.0) for _ in range(count)])


def lines(size: int, _: float) -> list[bytes]:
    """Return frames of `size` text lines each, without times."""
    chance = random.Random(1)
    names = cycle(SERIES)
    return [
        "\n".join(
            f"info|timer|{next(names)}|{chance.lognormvariate(-4.6, 1.0):.6f}" for _ in range(size)
        ).encode()
        for _ in range(ROUND)
    ]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
