"""Frames as clients send them, where a test needs to know what is in one of them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from time import time

import zmq

from zibrato.wire import VERSION, Batch, SampleRow, encode, pack


def send_timings(
    endpoint: str,
    name: str,
    seconds: Iterable[float],
    tags: Mapping[str, str] | None = None,
    level: str = "info",
) -> None:
    """Send timings that are all in one interval, as a client's are only by chance.

    A client sends at each full second, which may be amid those that a test has it record.
    """
    now = time()
    timer = SampleRow(name, level, "", dict(tags or {}), pack(array("d", seconds)))
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.connect(endpoint)
        socket.send(encode(Batch(VERSION, name, 0, now, now, (), [timer], ())))
