"""What intakes need in tests: a reactor that reads when a test says so, and free ports."""

from __future__ import annotations

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
