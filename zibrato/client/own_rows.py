"""The rows in which a client tells the daemon of itself."""

from __future__ import annotations

import errno
from array import array
from collections import Counter
from collections.abc import Mapping

import zmq

from zibrato.client.rows import Rows
from zibrato.client.send_queue import OWN
from zibrato.wire import CounterRow, SampleRow, pack

SERIES_WARNING = 1_000
"""A client reports having more series than these: tags and names should have few values."""


class OwnReport:
    """Reports what a client has dropped, its errors, and that it has too many series."""

    def __init__(self) -> None:
        self._reported: Counter[tuple[str, str]] = Counter()
        self._series_bound = SERIES_WARNING

    def rows(self, dropped: Mapping[str, int], errors: Mapping[str, int], series: int) -> Rows:
        """Return rows of what is new; `dropped` and `errors` are totals by reason.

        The number of series is reported once it is too high, and again each time it has doubled.
        """
        rows = Rows()
        for name, totals in (("dropped", dropped), ("errors", errors)):
            for reason, total in dict(totals).items():  # a copy: other threads count as well
                increase = total - self._reported[name, reason]
                self._reported[name, reason] = total
                if increase:
                    rows.counters.append(_counter(name, reason, increase))
        if series > self._series_bound:
            self._series_bound = 2 * series
            rows.gauges.append(_gauge("series", series))
        return rows


def error_name(error: zmq.ZMQError) -> str:
    """Return the name of an error's number, or the number if it has none."""
    number = error.errno or 0
    return "ETERM" if number == zmq.ETERM else errno.errorcode.get(number, str(number))


def _counter(name: str, reason: str, total: int) -> CounterRow:
    """Return the row of a counter: one measurement, an increment by `total`."""
    return CounterRow(OWN + name, "warning", None, {"reason": reason}, 1, total)


def _gauge(name: str, value: float) -> SampleRow:
    return SampleRow(OWN + name, "warning", None, {}, pack(array("d", (value,))))
