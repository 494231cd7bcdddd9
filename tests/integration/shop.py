"""An imagined shop's measurements, as its clients send them: for the page's tests and pictures.

The shop has a bad quarter of an hour, which began 25 minutes ago: checkouts take long.
"""

from __future__ import annotations

import math
import random
import threading
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from time import time
from typing import NamedTuple

import zmq

from zibrato.wire import VERSION, Batch, CounterRow, SampleRow, encode, pack

WEB = ("web-1", "web-2", "web-3")


class ShopMetric(NamedTuple):
    """A metric of the shop: where it is measured, about how often a second, and how much."""

    kind: str
    name: str
    level: str
    sources: tuple[str, ...]
    rate: float
    size: float = 1.0


SHOP = (
    ShopMetric("timer", "shop.checkout.duration", "info", WEB, 14, 0.082),
    ShopMetric("timer", "shop.render_timer", "debug", WEB, 30, 0.0042),
    ShopMetric("timer", "shop.search.query", "info", WEB[:2], 12, 0.031),
    ShopMetric("timer", "db.query", "info", ("db-1",), 40, 0.0023),
    ShopMetric("timer", "db.vacuum", "debug", ("db-1",), 0.2, 1.9),
    ShopMetric("counter", "shop.render_counter", "info", WEB, 412),
    ShopMetric("counter", "shop.items_sold", "info", WEB[:2], 37),
    ShopMetric("counter", "shop.errors", "error", WEB[:2], 0.4),
    ShopMetric("counter", "shop.logins", "info", ("web-2",), 11),
    ShopMetric("counter", "cache.hits", "debug", WEB, 9300),
    ShopMetric("counter", "cache.misses", "debug", WEB, 310),
    ShopMetric("counter", "mail.bounced", "warning", ("worker-1",), 0.15),
    ShopMetric("gauge", "queue.depth", "info", ("worker-1", "worker-2"), 1, 140),
    ShopMetric("gauge", "queue.oldest_seconds", "warning", ("worker-1",), 1, 4.2),
    ShopMetric("gauge", "shop.orders", "info", ("web-1",), 1, 52310),
    ShopMetric("gauge", "process.resident_bytes", "info", WEB[:2], 1, 183e6),
    ShopMetric("gauge", "db.connections", "info", ("db-1",), 1, 23),
)
TAGS = {"cache.hits": {"region": "eu"}, "cache.misses": {"region": "eu"}}


def send_history(socket: zmq.Socket[bytes], seconds: int, interval: int) -> None:
    """Send what was measured in the last `seconds`, oldest first."""
    first = time() // interval * interval - seconds
    for sequence in range(seconds // interval):
        socket.send(batch(first + sequence * interval, interval, sequence))


@contextmanager
def open_shop(endpoint: str, seconds: int, interval: int) -> Iterator[None]:
    """Send what was measured in the last `seconds`; in the block, every second what was in it."""

    def feed() -> None:
        sequence = seconds
        while not stopped.wait(1 - time() % 1):
            sequence += 1
            socket.send(batch(time() - 1, 1, sequence))

    stopped = threading.Event()
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(endpoint)
        send_history(socket, seconds, interval)
        feeder = threading.Thread(target=feed)
        feeder.start()
        try:
            yield
        finally:
            stopped.set()
            feeder.join()


def batch(when: float, length: float, sequence: int) -> bytes:
    """Return the frame of what was measured in `length` seconds from the Unix time `when`."""
    counters: list[CounterRow] = []
    samples: dict[str, list[SampleRow]] = {"timer": [], "gauge": []}
    for metric in SHOP:
        for phase, source in enumerate(metric.sources):
            busy = _tide(when, phase)
            if metric.kind == "counter":
                counters += _counts(metric, source, metric.rate * length * busy)
            elif metric.kind == "timer":
                samples["timer"] += _samples(metric, source, _durations(metric, when, length))
            else:
                reading = metric.size * busy * random.gauss(1, 0.01)
                samples["gauge"] += _samples(metric, source, [reading])
    client, end = f"shop-{sequence}", when + length
    return encode(
        Batch(VERSION, client, 0, when, end, counters, samples["timer"], samples["gauge"])
    )


def many(metrics: int) -> bytes:
    """Return a frame of so many gauges, `service0.part0` and on."""
    reading = pack(array("d", [1.0]))
    rows = [
        SampleRow(f"service{number % 40}.part{number}", "info", "box", {}, reading)
        for number in range(metrics)
    ]
    return encode(Batch(VERSION, "many", 0, time(), time(), (), (), rows))


def _counts(metric: ShopMetric, source: str, mean: float) -> list[CounterRow]:
    """Return a row of about `mean` increments; none is no row."""
    count = max(0, round(random.gauss(mean, math.sqrt(mean))))
    tags = TAGS.get(metric.name, {})
    row = CounterRow(metric.name, metric.level, source, tags, count, count)
    return [row] if count else []


def _samples(metric: ShopMetric, source: str, values: list[float]) -> list[SampleRow]:
    """Return a row of the values; none is no row."""
    tags = TAGS.get(metric.name, {})
    row = SampleRow(metric.name, metric.level, source, tags, pack(array("d", values)))
    return [row] if values else []


def _durations(metric: ShopMetric, when: float, length: float) -> list[float]:
    """Return the timings of `length` seconds: most are quick, some wait for something."""
    count = int(metric.rate * length * _tide(when, 0) + random.random())
    slow = 1.0
    if "checkout" in metric.name:
        slow += 3 * math.exp(-(((time() - when - 1100) / 420) ** 4))
    waits = (slow if random.random() < 0.3 else 1.0 for _ in range(count))
    return [metric.size * wait * random.lognormvariate(0, 0.38) for wait in waits]


def _tide(when: float, phase: float) -> float:
    """Return how busy the shop is: about 1, over minutes and hours."""
    return 1 + 0.3 * math.sin(when / 900 + phase) + 0.1 * math.sin(when / 131 + 2 * phase)
