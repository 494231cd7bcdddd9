"""Snapshots are kept as they are, in order."""

from __future__ import annotations

from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.daemon.outbox.outboxes import PutOutbox
from tests.fake_reactor import FakeReactor
from zibrato.backends.memory import MemoryBackend, make
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.interfaces import BackendContext, IBackend, IBackendMaker
from zibrato.model import COUNTER, Series, Snapshot, Summary


class MemoryBackendTests(SynchronousTestCase):
    def test_keeps_what_is_delivered(self) -> None:
        backend, metrics = MemoryBackend(), SelfMetrics()
        outbox = PutOutbox(backend, FakeReactor(), metrics)
        summaries = {Series(COUNTER, "n", "s"): Summary(3, 4.0)}
        snapshots = [Snapshot(start, start + 10, summaries) for start in (10, 20)]
        for snapshot in snapshots:
            outbox.put(snapshot)
        self.successResultOf(outbox.stopService())
        self.assertEqual(backend.snapshots, snapshots)
        self.assertEqual(metrics.total("zibrato.backend.delivered", backend="memory"), 6)
        self.assertEqual(metrics.total("zibrato.backend.dropped"), 0)

    def test_reloading_changes_nothing(self) -> None:
        backend = MemoryBackend()
        backend.reload({})
        self.assertEqual(backend.snapshots, [])

    def test_is_found_by_its_name_and_has_no_settings(self) -> None:
        (maker,) = [maker for maker in getPlugins(IBackendMaker) if maker.name == "memory"]
        context = BackendContext(FakeReactor(), (50,))
        verifyObject(IBackend, maker.make({}, context))
        self.assertRaises(ValueError, make, {"path": "x"}, context)
