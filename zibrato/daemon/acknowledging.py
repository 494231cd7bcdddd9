"""Which batches of acknowledged clients are taken in, and what the clients are told.

What other daemons ship is in parts of their snapshots; for these a part is as a batch is.

Batches are taken in the order of their numbers alone. A number then says all that is taken of a
client: what comes again is dropped, and so is what comes after a gap, until the client has sent
everything from the gap on again.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.interfaces import Commits
from zibrato.snapshot_parts import SnapshotPart
from zibrato.wire import VERSION, Acknowledgement, Batch, encode_acknowledgement

PERIOD = 0.2
"""Seconds in which batches are gathered before their commit is waited for."""
MAX_GAPS = 10_000
Publish = Callable[[str, bytes], None]


class Acknowledger:
    """Tells batches that are new from repeats, as `Acknowledging` of a way back asks for.

    `commit_soon` asks for a commit of what was taken in.
    """

    def __init__(
        self,
        commits: Commits,
        metrics: SelfMetrics,
        clock: IReactorTime,
        commit_soon: Callable[[], object] = lambda: None,
    ) -> None:
        self.instance = uuid4().hex[:12]
        self._commits = commits
        self._metrics = metrics
        self._clock = clock
        self._commit_soon = commit_soon
        self._timer: IDelayedCall | None = None
        self._publishers: list[Publish] = []
        self._fresh: dict[str, int] = {}
        self._committed: dict[str, int] = {}
        """Of each client of which something is taken in, but not committed: what is."""
        self._gaps: dict[str, int] = {}

    def listen(self, publish: Publish) -> Callable[[], None]:
        """Have `publish` called with a client and what it is to be told; return what ends that."""
        self._publishers.append(publish)
        return lambda: self._publishers.remove(publish)

    def take(self, batch: Batch | SnapshotPart) -> bool:
        """Return whether `batch` is to be aggregated now, and note that it is."""
        last = self._commits.highest(batch.client) or 0
        if isinstance(batch, SnapshotPart):
            after = batch.after
        else:
            # What a client knows to be committed it has forgotten, whatever is known of it here.
            last = max(last, batch.acknowledged or 0)
            after = batch.sequence - 1
        if after <= last < batch.sequence:
            self._note(batch.client, last, batch.sequence)
            return True
        if batch.sequence <= last:
            self._metrics.count("zibrato.intake.repeated")
            if batch.sequence <= self._committed.get(batch.client, last):
                self._tell(batch.client)  # what it was told before it seems to have missed
        else:
            self._metrics.count("zibrato.intake.out_of_order")
            if self._gaps.get(batch.client) != last:  # once, since more are on their way
                if len(self._gaps) >= MAX_GAPS:
                    # Of a gap that is forgotten the client is told once more, which does no harm.
                    self._gaps.clear()
                self._gaps[batch.client] = last
                self._publish(batch.client, self._message(batch.client, last + 1))
        return False

    def tell(self, client: str) -> bytes:
        """Return what `client` is to be told."""
        known = self._commits.highest(client)
        return self._message(client, None if known is None else known + 1)

    def commit_now(self) -> None:
        """Have all that was taken in committed at once."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
            self._commit()

    def _note(self, client: str, last: int, sequence: int) -> None:
        if not self._fresh:
            self._timer = self._clock.callLater(PERIOD, self._commit)
        self._gaps.pop(client, None)
        self._committed.setdefault(client, last)
        self._fresh[client] = sequence
        self._commits.take(client, sequence)

    def _commit(self) -> None:
        fresh, self._fresh = self._fresh, {}
        # Before the commit is asked for: one that has begun knows only those who waited by then.
        self._commits.committed().addCallback(lambda _: self._acknowledge(fresh))
        self._commit_soon()

    def _acknowledge(self, committed: dict[str, int]) -> None:
        for client, sequence in committed.items():
            self._committed[client] = sequence
            self._tell(client)
            if self._commits.highest(client) in {None, sequence}:  # None: forgotten meanwhile
                del self._committed[client]

    def _tell(self, client: str) -> None:
        self._publish(client, self._message(client, None))

    def _publish(self, client: str, frame: bytes) -> None:
        for publish in self._publishers:
            publish(client, frame)

    def _message(self, client: str, wanted: int | None) -> bytes:
        committed = self._committed.get(client, self._commits.highest(client))
        told = Acknowledgement(VERSION, self.instance, committed, wanted)
        return encode_acknowledgement(told)
