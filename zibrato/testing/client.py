"""Make recordings: with a client for this purpose, or of all clients that the application has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from zibrato.client.buffers import Buffers
from zibrato.client.drain import registry
from zibrato.client.environment import is_disabled
from zibrato.client.instruments import Instruments
from zibrato.client.recorder import Recorder
from zibrato.client.zibrato import Zibrato
from zibrato.testing.recordings import Recording


class RecordingZibrato(Recording, Zibrato):
    """A client that keeps what it records for questions: no socket, no thread, no daemon.

    It ignores the environment: it records even with `ZIBRATO_DISABLED=1`.
    """

    def __init__(
        self,
        *,
        level: str | int | None = None,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._buffers = Buffers()
        Recording.__init__(self, [self._buffers.drain])
        recorder = Recorder(self._buffers, level=level, source=source, tags=tags, disabled=False)
        Instruments.__init__(self, recorder)

    @property
    def dropped(self) -> Counter[str]:
        """How many measurements were dropped since the start, by reason."""
        self.catch_up()
        return +self._buffers.dropped  # a copy, without zeros

    @property
    def errors(self) -> Counter[str]:
        """Nothing: there is no sending that could fail."""
        return Counter()

    def flush(self, timeout: float = 1.0) -> bool:  # noqa: ARG002 - the base class has it
        """Do nothing: what was recorded is here already."""
        return True

    def close(self) -> None:
        """Do nothing: it goes on recording."""

    def __enter__(self) -> RecordingZibrato:
        return self


@contextmanager
def recording(*clients: Instruments) -> Iterator[Recording]:
    """Record what `clients` measure within the block, instead of sending it to their daemons.

    Without arguments it records all clients: those that the process has and those that it makes
    within the block. Functions that are already decorated are recorded, too. Clients of one
    endpoint share their buffers, and so their recordings. Other processes are not recorded.

    Raises RuntimeError if `ZIBRATO_DISABLED` is set, since then there is nothing to record.
    """
    if is_disabled():
        raise RuntimeError(
            "ZIBRATO_DISABLED is set, so instruments measure nothing; unset it to record"
        )
    # Use each drain only once: clients of one endpoint share it.
    drains = dict.fromkeys(client._recorder.buffers.drain for client in clients)
    recorded = Recording(drains or [registry])
    try:
        yield recorded
    finally:
        recorded.end()
