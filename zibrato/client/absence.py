"""Warn that no daemon accepts measurements: once an hour, after a daemon had time to start.

The warning goes to `logging`, whose handlers are the host's. They may wait for a network, or for a
lock that the host holds while it waits for the sender. Therefore neither a caller nor the sender's
thread logs it, but a thread that does nothing else, and for which nobody waits.
"""

from __future__ import annotations

import _thread
import logging
import math
from contextlib import suppress

PATIENCE = 10.0
"""Seconds without a daemon before the first warning."""
REPEAT = 3600.0
_logger = logging.getLogger("zibrato")  # made at import: it takes a lock of logging's


class Absence:
    """Detects that nobody accepts what waits to be sent."""

    def __init__(self) -> None:
        self._progress = 0
        self._since = math.inf
        self._said = -math.inf

    def is_due(self, waiting: bool, progress: int, now: float) -> bool:
        """Return whether to warn at the monotonic time `now`.

        `waiting` is whether anything is left to send, and `progress` counts what was sent.
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
    """Return one line for people; `daemon` describes the daemon that the client looks for."""
    return (
        f"no daemon accepts zibrato's measurements: is there {daemon}? Counts are kept, and the "
        f"newest {max_pending} or so timings and readings; older ones are dropped. If the program "
        "ends before a daemon accepts them, all are lost"
    )


def warn(message: str) -> None:
    """Log `message` from a separate thread, or not at all if no thread can be started."""
    # Make the record here: it looks up its thread, which `threading` would remember for ever.
    record = logging.LogRecord("zibrato", logging.WARNING, __file__, 0, message, (), None)
    with suppress(RuntimeError, MemoryError):
        _thread.start_new_thread(_log, (record,))


def _log(record: logging.LogRecord) -> None:
    with suppress(Exception):  # nobody could catch what the host's handlers raise
        if _logger.isEnabledFor(record.levelno):
            _logger.handle(record)
