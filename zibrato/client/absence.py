"""Says that nobody takes what is recorded: once an hour, and not before a daemon had time to start.

It is said by `logging`, whose handlers are the host's: they may wait for a network, or for a lock
that the host holds while it waits for the sender. So neither a caller nor the sender's thread says
it, but a thread that does nothing else, and for which nobody waits.
"""

from __future__ import annotations

import _thread
import logging
import math
from contextlib import suppress

PATIENCE = 10.0
"""Seconds without a daemon that are nothing to speak of."""
REPEAT = 3600.0
_logger = logging.getLogger("zibrato")  # at import, since it takes a lock of the module's


class Absence:
    """Notices that what waits goes nowhere."""

    def __init__(self) -> None:
        self._progress = 0
        self._since = math.inf
        self._said = -math.inf

    def is_due(self, waiting: bool, progress: int, now: float) -> bool:
        """Return whether it is to be said at the monotonic time `now`.

        `waiting` says whether anything is left to send, `progress` counts what went.
        """
        if not waiting or progress != self._progress:
            self._progress, self._since = progress, math.inf
        if waiting:
            self._since = min(self._since, now)
        if now < self._since + PATIENCE or now < self._said + REPEAT:
            return False
        self._said = now
        return True


def text(daemon: str, max_pending: int) -> str:
    """Return one line for people; `daemon` says which one is looked for."""
    return (
        f"no daemon accepts zibrato's measurements: is there {daemon}? Counts are kept, and the "
        f"newest {max_pending} or so timings and readings; older ones are dropped. If the program "
        "ends before a daemon accepts them, all are lost"
    )


def warn(message: str) -> None:
    """Log `message` from a thread of its own, or not at all where there is none to be had."""
    # Made here, since a record looks up its thread, which `threading` would remember for good.
    record = logging.LogRecord("zibrato", logging.WARNING, __file__, 0, message, (), None)
    with suppress(RuntimeError, MemoryError):
        _thread.start_new_thread(_log, (record,))


def _log(record: logging.LogRecord) -> None:
    with suppress(Exception):  # what handlers raise is the host's, who has nobody here to catch it
        if _logger.isEnabledFor(record.levelno):
            _logger.handle(record)
