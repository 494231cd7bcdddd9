"""Annotations: to every backend that keeps them, bounded, losses counted."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from zibrato.backends.memory import MemoryBackend
from zibrato.daemon.annotations import MAX_WAITING, Annotations
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.interfaces import IAnnotationBackend
from zibrato.model import Annotation

ANNOTATION = Annotation("deploys", "deploy", "of it", "web1", 1000.0)


@implementer(IAnnotationBackend)
class Keeper(MemoryBackend):
    """Keeps what it is given once the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Deferred[None]] = []

    def annotate(self, _annotation: Annotation) -> Deferred[None]:
        """Wait."""
        self.waiting.append(Deferred())
        return self.waiting[-1]


class AnnotationsTests(SynchronousTestCase):
    """Annotations for a backend that keeps them and one that doesn't."""

    def setUp(self) -> None:
        self.metrics = SelfMetrics()
        self.annotations = Annotations(self.metrics)
        self.keeper = Keeper()
        self.annotations.send_to([MemoryBackend(), self.keeper])

    def test_without_a_backend_they_are_rejected(self) -> None:
        self.annotations.send_to([MemoryBackend()])
        assert self.annotations.add(ANNOTATION) == "annotation"

    @pytest.mark.attack("a flood of events", before="no such intake")
    def test_those_that_wait_are_bounded(self) -> None:
        for _ in range(MAX_WAITING):
            assert self.annotations.add(ANNOTATION) is None
        assert self.annotations.add(ANNOTATION) == "busy"
        self.keeper.waiting.pop().callback(None)
        assert self.annotations.add(ANNOTATION) is None
        assert self.metrics.total("zibrato.annotations.received") == MAX_WAITING + 1

    def test_what_can_t_be_kept_is_counted(self) -> None:
        self.annotations.add(ANNOTATION)
        self.keeper.waiting.pop().errback(OSError("full"))
        assert self.metrics.total("zibrato.annotations.dropped", reason="OSError") == 1
        assert self.annotations.add(ANNOTATION) is None
