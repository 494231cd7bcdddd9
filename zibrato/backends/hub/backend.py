"""Ships to another Zibrato daemon, which merges it; settings: socket, curve, acknowledgements."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import zmq
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from zibrato.backends.hub.link import Link
from zibrato.backends.hub.window import Part, Window, parts
from zibrato.backends.posting import in_turns
from zibrato.backends.settings import check_names
from zibrato.curve import client_keys
from zibrato.endpoint import Endpoint
from zibrato.interfaces import BackendContext, Delivery, IBackend, RetryLater
from zibrato.model import Identity

__all__ = ["HubBackend", "make"]

PATIENCE = 15.0
"""Seconds without an acknowledgement after which an attempt has failed.

If an open interval exceeds the room of a hub's outbox, the hub acknowledges only when the interval
is closed, after ten seconds.
"""
PAUSES = (0.01, 0.1)
"""Seconds between two polls for the hub's messages: at first, and at most."""


def make(settings: Mapping[str, str], context: BackendContext) -> HubBackend:
    """Return the backend of `settings`, which must name a socket."""
    check_names(settings, "socket", "curve", "acknowledgements")
    if "socket" not in settings:
        raise ValueError("expected socket=tcp://HOST:PORT, where the hub listens, got none")
    endpoint = Endpoint.of_client(settings["socket"])
    if endpoint.address in context.sockets:  # all measurements would go round for ever
        raise ValueError(f"socket: {endpoint.address} is this daemon's own; give the hub's")
    # The hub would take what one of the two backends ships for a repeat of the other's.
    place = Path(endpoint.address)
    if place in context.files:
        raise ValueError(f"socket: another backend of this daemon ships to {place}; leave one out")
    context.files.add(place)
    way_back = _way_back(settings.get("acknowledgements"), endpoint)

    def open_link(current: Mapping[str, str]) -> Link:
        return Link(endpoint, way_back, client_keys(current.get("curve")))

    return HubBackend(endpoint.address, context, settings, open_link)


def _way_back(given: str | None, endpoint: Endpoint) -> Endpoint:
    if given is not None:
        return Endpoint.of_client(given, what="acknowledgements")
    way_back = endpoint.way_back()
    if way_back is None:
        raise ValueError(
            f"socket: {endpoint.address} has no next port; give acknowledgements=ENDPOINT as well"
        )
    return way_back


@implementer(IBackend)
class HubBackend:
    """Ships to the hub at `address`, over the link that `open_link` makes from settings.

    What the hub has committed counts as delivered. The hub recognizes repeats.
    """

    name = "zibrato"
    _log = Logger()

    def __init__(
        self,
        address: str,
        context: BackendContext,
        settings: Mapping[str, str],
        open_link: Callable[[Mapping[str, str]], Link],
    ) -> None:
        self.name = context.name or self.name
        self._address = address
        self._reactor = context.reactor
        self._open_link = open_link
        self._link = open_link(settings)
        self._has_keys = "curve" in settings
        # The address is part of the identity, because what one hub has says nothing about another
        # hub.
        self._suffix = f"-{sha256(address.encode()).hexdigest()[:8]}"
        self._own = Identity(uuid4().hex, 0)
        self._instance: str | None = None

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Ship what is left of `delivery`, and repeat what the hub hasn't acknowledged."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def reload(self, settings: Mapping[str, str]) -> None:
        """Read the keys again; if they are invalid, log that and keep the old ones."""
        if not (self._has_keys or "curve" in settings):
            return
        try:
            link = self._open_link(settings)
        except ValueError as error:
            self._log.error("{backend} keeps its keys: {why}", backend=self.name, why=str(error))
            return
        self._link.close()
        self._link, self._has_keys = link, "curve" in settings

    def stop(self) -> Deferred[None]:
        """Close the sockets."""
        self._link.close()
        return succeed(None)

    async def _deliver(self, delivery: Delivery) -> None:
        window = delivery.requests
        if not isinstance(window, Window):
            window = delivery.requests = Window(await self._parts(delivery), self._instance)
            delivery.requests_size = window.size
        # Parts that were sent in the last attempt may be anywhere: the hub drops those that it has.
        window.rewind()
        pause, deadline = PAUSES[0], self._reactor.monotonic() + PATIENCE
        while window:
            try:
                committed = self._exchange(window)
            except zmq.ZMQError as error:
                self._link.close()
                raise RetryLater(f"{self._address}: {error}") from None
            if committed:
                delivery.delivered(committed)
                delivery.requests_size = window.size
                pause, deadline = PAUSES[0], self._reactor.monotonic() + PATIENCE
            elif self._reactor.monotonic() >= deadline:
                # After a hub that doesn't agree about keys, ZeroMQ never connects again by itself.
                self._link.close()
                raise RetryLater(f"{self._address}: no daemon acknowledges there")
            await deferLater(self._reactor, pause)
            pause = min(2 * pause, PAUSES[1])

    def _exchange(self, window: Window) -> int:
        """Read messages, send what is possible; return how many measurements the hub committed."""
        link = self._link
        committed = 0
        client = window.client
        for message in link.acknowledgements(client):
            committed += window.acknowledge(client, message)
        self._instance = window.instance
        while window and (frame := window.frame()) is not None and link.send(frame):
            window.sent()
        return committed

    async def _parts(self, delivery: Delivery) -> list[Part]:
        """Return what is to be sent, after accounting for what can't be."""
        made: list[Part] = []
        for snapshot, identity in zip(delivery.snapshots, delivery.identities, strict=True):
            some, lost = await in_turns(
                parts(snapshot, self._identity(identity)), self._reactor
            )  # fmt: skip
            made += some
            if lost:
                delivery.dropped(lost, "not_finite")
        return made

    def _identity(self, given: Identity | None) -> Identity:
        """Return a snapshot's identity for the hub; a snapshot that is in no file gets one here."""
        if given is None:
            given = self._own = self._own._replace(sequence=self._own.sequence + 1)
        return given._replace(run=given.run + self._suffix)
