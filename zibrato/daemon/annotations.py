"""Hands annotations to the backends that store them."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.defer import maybeDeferred
from twisted.python.failure import Failure

from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.interfaces import IAnnotationBackend, IBackend
from zibrato.model import Annotation

MAX_WAITING = 100
"""The most annotations that backends haven't stored yet. Each is one write, and few are expected,
since people read them."""


class Annotations:
    """Hands annotations to all backends that store annotations."""

    def __init__(self, metrics: SelfMetrics) -> None:
        self._metrics = metrics
        self._backends: list[IAnnotationBackend] = []
        self._waiting = 0

    def send_to(self, backends: Iterable[IBackend]) -> None:
        """From now on hand annotations to those of `backends` that store them."""
        adapted = (IAnnotationBackend(backend, None) for backend in backends)
        self._backends = [backend for backend in adapted if backend is not None]

    def add(self, annotation: Annotation) -> str | None:
        """Hand on an annotation; return None, or a reason of one word if it is rejected."""
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
