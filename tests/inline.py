"""Work that is done at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred, maybeDeferred

T = TypeVar("T")


class Inline:
    """Stands in for threads."""

    def run(self, work: Callable[[], T]) -> Deferred[T]:
        """Return what `work` returned or raised."""
        return maybeDeferred(work)

    def stop(self) -> None:
        """Do nothing."""
