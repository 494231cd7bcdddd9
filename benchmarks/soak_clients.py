"""Sends too much to a daemon, by clients that come and go; run by soak.py.

    python -m benchmarks.soak_clients ENDPOINT SERIES CLIENTS RATE SECONDS

SERIES timers are sent in frames of 1,000 samples, RATE measurements a second of them, 0 for as many
as are taken. What ZeroMQ has no room for isn't kept, as by a client whose bound is reached.
Besides, CLIENTS sockets are open at any time, each for ten seconds, that send when they have come
and before they leave. Prints a line of JSON once it is warm, one at the end of the time, and one
when all is sent.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from array import array
from collections import Counter, deque

import zmq

from zibrato.wire import VERSION, Batch, SampleRow, encode, pack

WARM_UP = 10.0
ROWS, SAMPLES = 100, 10
"""Series in a frame, and samples of each."""
HIGH_WATER = 64
FRESH = 5.0
"""Seconds after which a frame is made anew: its times are to be the present."""
LIFE = 10.0
TURN = 0.01
LINGER = 30_000
"""Milliseconds that one who leaves waits until all is taken: as many sockets are to be open."""
LAST_LINGER = 600_000
NAMES = "bench.series"
OF_CLIENTS = "bench.client"


class Frames:
    """Encoded batches which together have all series."""

    def __init__(self, series: int) -> None:
        chance = random.Random(1)
        samples = [pack(array("d", [chance.random() for _ in range(SAMPLES)])) for _ in range(97)]
        rows = [
            SampleRow(f"{NAMES}{number}", "info", None, {}, samples[number % 97])
            for number in range(series)
        ]
        self._rows = [rows[start : start + ROWS] for start in range(0, series, ROWS)]
        self._made = [(0.0, b"")] * len(self._rows)
        self._next = 0

    def next(self, now: float) -> bytes:
        """Return the next one, of the Unix time `now`."""
        index = self._next = (self._next + 1) % len(self._rows)
        made, frame = self._made[index]
        if now > made + FRESH:
            frame = encode(Batch(VERSION, "bench", 0, now, now, (), self._rows[index], ()))
            self._made[index] = now, frame
        return frame


class Clients:
    """Sockets that come and go; `totals` count what was made, and what found no room."""

    def __init__(self, endpoint: str, number: int) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._context.set(zmq.MAX_SOCKETS, 4 * number + 100)
        self._endpoint = endpoint
        self._number = number
        self._open: deque[tuple[float, zmq.Socket[bytes]]] = deque()
        self.totals: Counter[str] = Counter()

    def socket(self) -> zmq.Socket[bytes]:
        """Return a socket of one more client."""
        socket = self._context.socket(zmq.PUSH)
        socket.set(zmq.SNDHWM, HIGH_WATER)
        socket.set(zmq.LINGER, LINGER)
        socket.connect(self._endpoint)
        return socket

    def turn(self, now: float) -> None:
        """Have those leave whose time is over, and others come."""
        while self._open and now > self._open[0][0]:
            _, socket = self._open.popleft()
            self._say(socket, now)
            socket.close()
        missing = self._number - len(self._open)
        for _ in range(min(missing, 1 + int(self._number * TURN / LIFE))):
            socket = self.socket()
            self._say(socket, now)
            self._open.append((now + LIFE, socket))

    def send(self, socket: zmq.Socket[bytes], frame: bytes, measurements: int) -> None:
        """Send a frame if there is room."""
        self.totals["made"] += measurements
        try:
            socket.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            self.totals["full"] += measurements

    def end(self) -> None:
        """Have all leave; return once ZeroMQ has sent what it has."""
        self._context.destroy(linger=LAST_LINGER)

    def _say(self, socket: zmq.Socket[bytes], now: float) -> None:
        row = SampleRow(OF_CLIENTS, "info", None, {}, pack(array("d", [0.5])))
        self.send(socket, encode(Batch(VERSION, "bench", 0, now, now, (), [row], ())), 1)
        self.totals["connections"] += 1


def main(endpoint: str, series: int, clients: int, rate: float, seconds: float) -> None:
    """Send, and print what was sent."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    many, frames = Clients(endpoint, clients), Frames(series)
    steady = many.socket()
    begun = time.time()
    for length in (WARM_UP, seconds):
        _run(many, steady, frames, rate, length)
        _tell(many, begun)
    many.end()
    _tell(many, begun)


def _run(
    many: Clients, steady: zmq.Socket[bytes], frames: Frames, rate: float, seconds: float
) -> None:
    start = turned = time.monotonic()
    sent = 0
    size = ROWS * SAMPLES
    while (now := time.monotonic()) < start + seconds:
        if now > turned + TURN:
            turned = now
            many.turn(time.time())
        if not rate:
            _wait_for_room(steady)
            many.send(steady, frames.next(time.time()), size)
        elif sent * size < rate * (now - start):
            many.send(steady, frames.next(time.time()), size)
            sent += 1
        else:
            time.sleep(TURN / 10)


def _wait_for_room(socket: zmq.Socket[bytes]) -> None:
    socket.poll(int(TURN * 1000), zmq.POLLOUT)


def _tell(many: Clients, begun: float) -> None:
    print(json.dumps({"from": begun, "to": time.time(), **many.totals}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]))
