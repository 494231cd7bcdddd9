"""What tests of the store stand on: an interval, and a backend whose work is done at once."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.outbox.outboxes import PutOutbox
from tests.fake_reactor import FakeReactor
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, TIMER, Series, Snapshot, Summary
from zibrato.store.backend import StoreBackend
from zibrato.store.db.codec import merged_summary
from zibrato.store.db.database import Database
from zibrato.store.db.reader import Reader
from zibrato.store.db.tiers import RETENTION, parse_retention
from zibrato.store.store import Store
from zibrato.threads import Inline

START = 1_700_000_000
C, T, G = (Series(kind, kind, "s") for kind in (COUNTER, TIMER, GAUGE))


def snapshot(start: int, value: float = 1.0) -> Snapshot:
    """Return an interval of a counter, a timer and a gauge."""
    timer = Summary(2, 3.0, 1.0, 2.0, 5.0, 2.0, Distribution([1.0, 2.0]))
    gauge = Summary(1, value, value, value, value * value, value)
    return Snapshot(start, start + 10, {C: Summary(1, value), T: timer, G: gauge})


class StoreTestCase(SynchronousTestCase):
    """A backend whose work is done at once."""

    def setUp(self) -> None:
        self.clock = FakeReactor()
        self.clock.advance(START)
        self.path = Path(self.mktemp())
        self.open()

    def mktemp(self) -> str:
        """Return a path in a directory that goes with the test; trial's stay in the checkout."""
        directory = TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        return f"{directory.name}/file"

    def open(self, max_bytes: int = 1 << 30, max_series: int = 1000) -> None:
        """Make the backend, with an outbox before it."""
        self.database = Database(
            self.clock, self.path, parse_retention(RETENTION), max_bytes,
            writing=Inline(), reading=Inline(), max_series=max_series,
        )  # fmt: skip
        self.store = Store(self.database)
        self.metrics = SelfMetrics()
        self.outbox = PutOutbox(
            StoreBackend(self.store), self.clock, self.metrics, jitter=lambda: 1.0
        )

    def stop(self) -> None:
        """Stop the backend."""
        self.successResultOf(self.outbox.stopService())

    def total(self) -> float:
        """Return the sum of the counter over all that is kept."""
        return self.successResultOf(self.database.read(_total))


def _total(reader: Reader) -> float:
    (series_id,) = [i for i, series in reader.series().items() if series == C]
    slots = reader.slots([series_id], START, START + 900, START, 1).slots[series_id]
    return merged_summary([row for start in sorted(slots) for row in slots[start]]).sum
