"""Drains ZeroMQ sockets at a stop: reads all that peers have sent before they are closed."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from typing import TYPE_CHECKING

import zmq
from twisted.internet.task import deferLater

from zibrato.intake.accepted import NOBODY, hang_up, turn_away
from zibrato.interfaces import Reactor

if TYPE_CHECKING:
    from zibrato.tx.connections import PullConnection

QUIET = 0.1
"""Seconds without a frame after which the sockets are assumed to be empty."""
PAUSE = 0.01
"""Seconds that ZeroMQ's threads get to read more before the sockets are read again."""
DRAIN_LIMIT = 2.0
"""Seconds after which a drain ends even if more arrives: a stop must not wait for a flood."""
MAX_UNREAD = 4 * 1024 * 1024
"""The most unread bytes of a peer that is disconnected late in a drain; with more, it may be in the
middle of a write."""


async def drain(reactor: Reactor, connection: PullConnection, addresses: Collection[str]) -> None:
    """End the connections gracefully, read everything that peers sent, then unbind `addresses`.

    Unbinding first would cut the connections and lose what the kernel holds of them. What a
    client has still queued, it sends to the next daemon.
    """
    turn_away(addresses)
    await _part(reactor, connection, addresses)
    for address in addresses:
        with suppress(zmq.ZMQError):
            connection.socket.unbind(address)
    await _read_until_quiet(reactor, connection, addresses)


async def _part(reactor: Reactor, connection: PullConnection, addresses: Collection[str]) -> None:
    """End the connections to `addresses`, and read until nothing more arrives."""
    quiet_since = now = reactor.monotonic()
    deadline = now + DRAIN_LIMIT
    first: frozenset[int] | None = None
    while now < deadline:
        frames = connection.frames
        is_empty = connection.read_all()
        # A peer may write until it sees that the connection ends. ZeroMQ loses what it has no
        # room for by then, so the connection ends only when its queue was read. Late in the
        # drain, peers that send faster than the daemon reads are disconnected, too.
        is_late = now > deadline - DRAIN_LIMIT / 2
        max_unread = MAX_UNREAD if is_late else 0 if is_empty else NOBODY
        peers = hang_up(addresses, max_unread)
        first = peers.connections if first is None else first
        # Wait for peers that have reconnected, which can't be prevented for all transports:
        # unbinding, which is next, would cut their connections.
        is_parted = is_empty and not peers.unread and not peers.connections
        if now >= quiet_since + QUIET and is_parted:
            return
        await deferLater(reactor, PAUSE)
        now = reactor.monotonic()
        # On a busy machine ZeroMQ's threads may not run for a while: neither those here, which
        # read, nor those of a peer, which may write until it sees that the connection ends.
        if peers.unread or first & peers.connections or frames != connection.frames:
            quiet_since = now


async def _read_until_quiet(
    reactor: Reactor, connection: PullConnection, addresses: Collection[str]
) -> None:
    deadline = reactor.monotonic() + DRAIN_LIMIT
    frames, is_over = -1, False
    while not (is_over and frames == connection.frames):
        if reactor.monotonic() >= deadline:
            return
        # ZeroMQ ends a connection after it has handed over everything that came by it.
        connected = hang_up(addresses, MAX_UNREAD).connections
        frames = connection.frames
        is_over = connection.read_all() and not connected
        await deferLater(reactor, QUIET)
