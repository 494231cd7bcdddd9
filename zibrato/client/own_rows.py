"""The rows in which a client tells the daemon of itself."""

from __future__ import annotations

import errno
from array import array

import zmq

from zibrato.client.send_queue import OWN
from zibrato.wire import CounterRow, SampleRow, pack


def own_counter(name: str, reason: str, total: int) -> CounterRow:
    """Return the row of a counter: one measurement, an increment by `total`."""
    return CounterRow(OWN + name, "warning", None, {"reason": reason}, 1, total)


def own_gauge(name: str, value: float) -> SampleRow:
    """Return the row of a gauge."""
    return SampleRow(OWN + name, "warning", None, {}, pack(array("d", (value,))))


def error_name(error: zmq.ZMQError) -> str:
    """Return the name of an error's number, or the number if it has none."""
    number = error.errno or 0
    return "ETERM" if number == zmq.ETERM else errno.errorcode.get(number, str(number))
