"""Send too much to a daemon, with clients that come and go; run by soak.py.

    python -m benchmarks.soak_clients ENDPOINT SERIES CLIENTS RATE SECONDS

This sends SERIES timers in frames of 1,000 samples, at RATE measurements a second, or as many as
are accepted if RATE is 0. If ZeroMQ has no room for a frame, it is discarded, as by a client that
has reached its bound. In addition, CLIENTS sockets are open at any time, each of them for ten
seconds. They send once after connecting, and once before they close. Prints one line of JSON after
the warm-up, one at the end of the time, and one when everything is sent.
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
"""Series in a frame, and samples of each series."""
HIGH_WATER = 64
FRESH = 5.0
"""Seconds after which a frame is remade, because its times must be current."""
LIFE = 10.0
TURN = 0.01
LINGER = 30_000
"""Milliseconds that a closed socket lingers until everything is accepted: so many stay open."""
LAST_LINGER = 600_000
NAMES = "bench.series"
OF_CLIENTS = "bench.client"


class Frames:
    """Encoded batches that together contain all series."""

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
        """Return the next frame, for the Unix time `now`."""
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
        """Return the socket of a new client."""
        socket = self._context.socket(zmq.PUSH)
        socket.set(zmq.SNDHWM, HIGH_WATER)
        socket.set(zmq.LINGER, LINGER)
        socket.connect(self._endpoint)
        return socket

    def turn(self, now: float) -> None:
        """Close the sockets whose time is over, and open others."""
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
        """Close all sockets; return when ZeroMQ has sent everything that it holds."""
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
