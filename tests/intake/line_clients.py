"""Reactors and clients for the intakes of lines: sockets are real, time is not."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorFDSet
from zope.interface import implementer

from tests.intake import sockets
from zibrato.line_address import LineAddress


@implementer(IReactorFDSet)
class Reactor(sockets.Reactor):
    """One that is taken for a whole IReactorFDSet, and has no writers."""

    def addWriter(self, writer: Any) -> None:
        raise NotImplementedError

    def removeWriter(self, writer: Any) -> None:
        raise NotImplementedError

    def removeAll(self) -> list[Any]:
        raise NotImplementedError

    def getReaders(self) -> list[Any]:
        return self.readers

    def getWriters(self) -> list[Any]:
        return []

    def adoptStreamPort(self, *arguments: Any) -> Any:
        """Listen as the real reactor does, whose ports read when they are told to."""
        return StillPort(*arguments, self)

    def read_until(self, condition: Callable[[], object]) -> None:
        """Read as a reactor would."""
        for _ in range(1000):
            if condition():
                return
            descriptors = {reader.fileno(): reader for reader in self.readers}
            ready, _, _ = select.select(descriptors, (), (), 0.05)
            for descriptor in ready:
                descriptors[descriptor].doRead()
        raise AssertionError("it never came")


class StillPort:
    """A port that accepts nothing."""

    def __init__(self, *_arguments: Any) -> None:
        self.stopped = False

    def stopListening(self) -> None:
        self.stopped = True


def sender(address: str) -> socket.socket:
    """Return a socket that is connected to an address."""
    parsed = LineAddress.parse(address)
    made = socket.socket(parsed.family, parsed.kind)
    made.connect(parsed.path or (parsed.host, parsed.port))
    return made
