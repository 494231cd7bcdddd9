"""An imagined shop's measurements, as its clients send them: for the page's tests and pictures.

The shop has a bad quarter of an hour, which began 25 minutes ago: checkouts take long.
"""

from __future__ import annotations

import math
import random
from array import array
from time import time
from typing import NamedTuple

import zmq

from zibrato.wire import VERSION, Batch, CounterRow, SampleRow, encode, pack

WEB = ("web-1", "web-2", "web-3")


class Made(NamedTuple):
    """What is measured, where, and about how often a second and how much."""

    kind: str
    name: str
    level: str
    sources: tuple[str, ...]
    often: float
    size: float = 1.0


SHOP = (
    Made("timer", "shop.checkout.duration", "info", WEB, 14, 0.082),
    Made("timer", "shop.render_timer", "debug", WEB, 30, 0.0042),
    Made("timer", "shop.search.query", "info", WEB[:2], 12, 0.031),
    Made("timer", "db.query", "info", ("db-1",), 40, 0.0023),
    Made("timer", "db.vacuum", "debug", ("db-1",), 0.2, 1.9),
    Made("counter", "shop.render_counter", "info", WEB, 412),
    Made("counter", "shop.items_sold", "info", WEB[:2], 37),
    Made("counter", "shop.errors", "error", WEB[:2], 0.4),
    Made("counter", "shop.logins", "info", ("web-2",), 11),
    Made("counter", "cache.hits", "debug", WEB, 9300),
    Made("counter", "cache.misses", "debug", WEB, 310),
    Made("counter", "mail.bounced", "warning", ("worker-1",), 0.15),
    Made("gauge", "queue.depth", "info", ("worker-1", "worker-2"), 1, 140),
    Made("gauge", "queue.oldest_seconds", "warning", ("worker-1",), 1, 4.2),
    Made("gauge", "shop.orders", "info", ("web-1",), 1, 52310),
    Made("gauge", "process.resident_bytes", "info", WEB[:2], 1, 183e6),
    Made("gauge", "db.connections", "info", ("db-1",), 1, 23),
)
TAGS = {"cache.hits": {"region": "eu"}, "cache.misses": {"region": "eu"}}


def send_history(socket: zmq.Socket[bytes], seconds: int, interval: int) -> None:
    """Send what was measured in the last `seconds`, oldest first."""
    first = time() // interval * interval - seconds
    for sequence in range(seconds // interval):
        socket.send(batch(first + sequence * interval, interval, sequence))


def batch(when: float, length: float, sequence: int) -> bytes:
    """Return the frame of what was measured in `length` seconds from the Unix time `when`."""
    counters: list[CounterRow] = []
    timers: list[SampleRow] = []
    gauges: list[SampleRow] = []
    for made in SHOP:
        tags = TAGS.get(made.name, {})
        for phase, source in enumerate(made.sources):
            busy = _tide(when, phase)
            if made.kind == "counter":
                mean = made.often * length * busy
                count = max(0, round(random.gauss(mean, math.sqrt(mean))))
                if count:
                    counters.append(CounterRow(made.name, made.level, source, tags, count, count))
            elif made.kind == "timer":
                samples = _durations(made, when, length)
                if samples:
                    timers.append(_samples(made, source, tags, samples))
            else:
                reading = made.size * busy * random.gauss(1, 0.01)
                gauges.append(_samples(made, source, tags, [reading]))
    made_by = f"shop-{sequence}"
    return encode(Batch(VERSION, made_by, 0, when, when + length, counters, timers, gauges))


def many(metrics: int) -> bytes:
    """Return a frame of so many gauges, `service0.part0` and on."""
    reading = pack(array("d", [1.0]))
    rows = [
        SampleRow(f"service{number % 40}.part{number}", "info", "box", {}, reading)
        for number in range(metrics)
    ]
    return encode(Batch(VERSION, "many", 0, time(), time(), (), (), rows))


def _samples(made: Made, source: str, tags: dict[str, str], values: list[float]) -> SampleRow:
    return SampleRow(made.name, made.level, source, tags, pack(array("d", values)))


def _durations(made: Made, when: float, length: float) -> list[float]:
    """Return the timings of `length` seconds: most are quick, some wait for something."""
    count = int(made.often * length * _tide(when, 0) + random.random())
    slow = 1.0
    if "checkout" in made.name:
        slow += 3 * math.exp(-(((time() - when - 1100) / 420) ** 4))
    waits = (slow if random.random() < 0.3 else 1.0 for _ in range(count))
    return [made.size * wait * random.lognormvariate(0, 0.38) for wait in waits]


def _tide(when: float, phase: float) -> float:
    """Return how busy the shop is: about 1, over minutes and hours."""
    return 1 + 0.3 * math.sin(when / 900 + phase) + 0.1 * math.sin(when / 131 + 2 * phase)
