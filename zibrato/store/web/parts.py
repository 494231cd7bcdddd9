"""Responses that are generated part by part, as fast as their clients read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from twisted.internet.interfaces import IPushProducer
from twisted.web.server import Request
from zope.interface import implementer

from zibrato.interfaces import RetryLater
from zibrato.store.web.channel import READ_DEADLINE, BoundedChannel

__all__ = ["write_parts"]


def write_parts(request: Request, parts: Iterator[bytes]) -> None:
    """Write all parts and finish the request; a client that takes too long is dropped.

    A client is also dropped if `parts` raises RetryLater, as the rest of its response is no longer
    there: it must not take what it has for all of it. No part may be empty.
    """
    channel = cast(BoundedChannel, request.channel)  # Twisted's type is its own channel
    producer = _Parts(request, channel, parts)
    channel.limit(READ_DEADLINE)
    request.registerProducer(producer, True)
    producer.resumeProducing()


@implementer(IPushProducer)
class _Parts:
    """Writes parts until the transport's buffer is full: 64 KiB and one part."""

    def __init__(self, request: Request, channel: BoundedChannel, parts: Iterator[bytes]) -> None:
        self._request = request
        self._channel = channel
        self._parts = parts
        self._takes_more = False

    def resumeProducing(self) -> None:
        """Continue to write."""
        self._takes_more = True
        try:
            for part in self._parts:
                self._request.write(part)
                if not self._takes_more:
                    return
        except RetryLater:
            self._channel.forceAbortClient()
            return
        self._request.unregisterProducer()
        self._channel.limit(None)
        self._request.finish()

    def pauseProducing(self) -> None:
        """Stop writing for now."""
        self._takes_more = False

    def stopProducing(self) -> None:
        """Release what the parts are generated from: the client has left."""
        self._takes_more = False
        self._parts = iter(())
