"""Decides which batches of acknowledged clients are accepted, and acknowledges them.

Other daemons ship parts of their snapshots. Here a part is handled like a batch.

Batches are accepted only in the order of their sequence numbers. So one number says everything that
was accepted from a client. A repeated batch is dropped. A batch after a gap is dropped, too, until
the client has sent again everything from the gap on.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from zibrato.daemon.outbox.client_sequences import ClientSequences
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.snapshot_parts import SnapshotPart
from zibrato.wire import VERSION, Acknowledgement, Batch, encode_acknowledgement

PERIOD = 0.2
"""Seconds for which batches are gathered before a commit of them is asked for."""
MAX_GAPS = 10_000
Publish = Callable[[str, bytes], None]


class Acknowledger:
    """Tells new batches from repeats; `intake.way_back` uses it as its `Acknowledging`.

    `commit_soon` is called to ask for a commit of the batches that were accepted.
    """

    def __init__(
        self,
        sequences: ClientSequences,
        metrics: SelfMetrics,
        clock: IReactorTime,
        commit_soon: Callable[[], object] = lambda: None,
    ) -> None:
        self.instance = uuid4().hex[:12]
        self._sequences = sequences
        self._metrics = metrics
        self._clock = clock
        self._commit_soon = commit_soon
        self._timer: IDelayedCall | None = None
        self._publishers: list[Publish] = []
        self._fresh: dict[str, int] = {}
        self._committed: dict[str, int] = {}
        """The number committed, for each client with accepted but uncommitted batches."""
        self._gaps: dict[str, int] = {}

    def listen(self, publish: Publish) -> Callable[[], None]:
        """Call `publish` with each client and message from now on; return a function to end it."""
        self._publishers.append(publish)
        return lambda: self._publishers.remove(publish)

    def take(self, batch: Batch | SnapshotPart) -> bool:
        """Return whether `batch` is to be aggregated now; if so, its number counts as taken."""
        last = self._sequences.highest(batch.client) or 0
        if isinstance(batch, SnapshotPart):
            after = batch.after
        else:
            # The client has forgotten what it knows to be committed, so it can't send that again,
            # even if nothing is known of the client here.
            last = max(last, batch.acknowledged or 0)
            after = batch.sequence - 1
        if after <= last < batch.sequence:
            self._note(batch.client, last, batch.sequence)
            return True
        if batch.sequence <= last:
            self._metrics.count("zibrato.intake.repeated")
            if batch.sequence <= self._committed.get(batch.client, last):
                self._tell(batch.client)  # it seems to have missed the earlier acknowledgement
        else:
            self._metrics.count("zibrato.intake.out_of_order")
            if self._gaps.get(batch.client) != last:  # tell it once: more batches are on their way
                if len(self._gaps) >= MAX_GAPS:
                    # A client whose gap is forgotten is told again, which does no harm.
                    self._gaps.clear()
                self._gaps[batch.client] = last
                self._publish(batch.client, self._message(batch.client, last + 1))
        return False

    def tell(self, client: str) -> bytes:
        """Return the acknowledgement for `client` as of now."""
        known = self._sequences.highest(client)
        return self._message(client, None if known is None else known + 1)

    def commit_now(self) -> None:
        """Ask at once for a commit of all batches that were accepted."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
            self._commit()

    def _note(self, client: str, last: int, sequence: int) -> None:
        if not self._fresh:
            self._timer = self._clock.callLater(PERIOD, self._commit)
        self._gaps.pop(client, None)
        self._committed.setdefault(client, last)
        self._fresh[client] = sequence
        self._sequences.take(client, sequence)

    def _commit(self) -> None:
        fresh, self._fresh = self._fresh, {}
        # First wait, then ask for the commit: a commit calls back only those who wait when it
        # begins.
        self._sequences.committed().addCallback(lambda _: self._acknowledge(fresh))
        self._commit_soon()

    def _acknowledge(self, committed: dict[str, int]) -> None:
        for client, sequence in committed.items():
            self._committed[client] = sequence
            self._tell(client)
            if self._sequences.highest(client) in {None, sequence}:  # None: client was forgotten
                del self._committed[client]

    def _tell(self, client: str) -> None:
        self._publish(client, self._message(client, None))

    def _publish(self, client: str, frame: bytes) -> None:
        for publish in self._publishers:
            publish(client, frame)

    def _message(self, client: str, wanted: int | None) -> bytes:
        committed = self._committed.get(client, self._sequences.highest(client))
        told = Acknowledgement(VERSION, self.instance, committed, wanted)
        return encode_acknowledgement(told)
