"""Annotations on their way to the backends that keep them."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.defer import maybeDeferred
from twisted.python.failure import Failure

from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.interfaces import IAnnotationBackend, IBackend
from zibrato.model import Annotation

MAX_WAITING = 100
"""Annotations that a backend has not kept yet: each is a write of its own, for people to read."""


class Annotations:
    """Hands annotations to all backends that keep such."""

    def __init__(self, metrics: SelfMetrics) -> None:
        self._metrics = metrics
        self._backends: list[IAnnotationBackend] = []
        self._waiting = 0

    def send_to(self, backends: Iterable[IBackend]) -> None:
        """Hand annotations to those of `backends` that keep them."""
        adapted = (IAnnotationBackend(backend, None) for backend in backends)
        self._backends = [backend for backend in adapted if backend is not None]

    def add(self, annotation: Annotation) -> str | None:
        """Hand one on; return the reason, one word, where it is rejected instead."""
        if not self._backends:
            return "annotation"
        if self._waiting >= MAX_WAITING:
            return "busy"
        self._metrics.count("zibrato.annotations.received")
        for backend in self._backends:
            self._waiting += 1
            maybeDeferred(backend.annotate, annotation).addBoth(self._kept)
        return None

    def _kept(self, result: object) -> None:
        self._waiting -= 1
        if isinstance(result, Failure):
            self._metrics.count("zibrato.annotations.dropped", reason=type(result.value).__name__)
