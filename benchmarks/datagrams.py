"""Send statsd lines over UDP, as fast as possible or at a rate; run by lines.py.

    python -m benchmarks.datagrams PORT SIZE SECONDS RECEIVER_PID RATE

Each datagram has SIZE lines, for 8 timers. RATE is in datagrams a second; 0 means no limit.
Datagrams that the kernel drops at the receiver's socket were not received, and are subtracted.
Prints one line of JSON.
"""

from __future__ import annotations

import json
import random
import socket
import sys
import time
from itertools import cycle
from pathlib import Path

from benchmarks.processes import cpu_seconds
from benchmarks.producer import ROUND, SERIES, WARM_UP, Window

_TURN = 0.002
"""Seconds between the bursts of a limited rate."""


def main(port: int, size: int, seconds: float, receiver: int, rate: float) -> None:
    """Send, then print how many lines were sent, and the time window of the measurement."""
    sender = Sender(port, datagrams(size), rate)
    sender.run(WARM_UP)
    start, before, cpu = time.time(), sender.taken(), cpu_seconds(receiver)
    sender.run(seconds)
    lines = (sender.taken() - before) * size
    window = Window(start, time.time(), lines, cpu_seconds(receiver) - cpu)
    print(json.dumps({"sent": sender.sent * size, "window": window}), flush=True)
    sys.stdin.read()
    print(json.dumps({"taken": sender.taken() * size}), flush=True)


class Sender:
    """Sends rounds of datagrams to a port, and counts them in `sent`."""

    def __init__(self, port: int, frames: list[bytes], rate: float) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._port = port
        self._frames = cycle(frames)
        self._rate = rate
        self.sent = 0

    def run(self, seconds: float) -> None:
        """Send for so many seconds."""
        start, before = time.monotonic(), self.sent
        while (passed := time.monotonic() - start) < seconds:
            due = ROUND if not self._rate else int(self._rate * passed) - (self.sent - before)
            for _ in range(due):
                self._socket.send(next(self._frames))
            self.sent += due
            if self._rate:
                time.sleep(_TURN)

    def taken(self) -> int:
        """Return how many datagrams were sent and not dropped by the kernel."""
        return self.sent - dropped(self._port)


def dropped(port: int) -> int:
    """Return how many datagrams the kernel has dropped at a port of 127.0.0.1."""
    address = f"0100007F:{port:04X}"
    rows = (row.split() for row in Path("/proc/net/udp").read_text().splitlines()[1:])
    return sum(int(row[-1]) for row in rows if row[1] == address)


def datagrams(size: int) -> list[bytes]:
    """Return datagrams of `size` timings each, in milliseconds, like those of web requests."""
    chance, names = random.Random(1), cycle(SERIES)
    return [
        "\n".join(
            f"{next(names)}:{chance.lognormvariate(2.3, 1.0):.3f}|ms" for _ in range(size)
        ).encode()
        for _ in range(ROUND)
    ]


if __name__ == "__main__":
    port, size, seconds, receiver, rate = sys.argv[1:]
    main(int(port), int(size), float(seconds), int(receiver), float(rate))
