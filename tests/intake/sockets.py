"""What intakes need in tests: a reactor that reads when a test says so, and free ports."""

from __future__ import annotations

import socket
from typing import Any

from tests.fake_reactor import FakeReactor


class Reactor(FakeReactor):
    """A clock that takes readers, and reads when a test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []

    def addReader(self, reader: Any) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        if reader in self.readers:
            self.readers.remove(reader)


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])
