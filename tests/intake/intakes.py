"""A started ZeroMQ intake on an ipc path, and a client of it."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

import zmq

from tests.intake.sockets import Reactor
from zibrato.endpoint import Endpoint
from zibrato.intake.zeromq import ZeroMQIntake


class Fixture:
    """A started intake on an ipc path, and a client of it."""

    def __init__(self, path: Path, mode: int = 0o660) -> None:
        self.path = path
        self.reactor = Reactor()
        self.frames: list[bytes] = []
        endpoints = [Endpoint(f"ipc://{path}")]
        self.intake = ZeroMQIntake(self.reactor, endpoints, self.frames.extend, ipc_mode=mode)
        self.intake.startService()
        self.context: zmq.Context[Any] = zmq.Context()
        self.push = self.context.socket(zmq.PUSH)
        self.push.connect(f"ipc://{path}")

    def read_until(self, count: int) -> None:
        """Read as a reactor would, until so many frames have come."""
        poller = zmq.Poller()
        for reader in self.reactor.readers:
            poller.register(reader.fileno(), zmq.POLLIN)
        for _ in range(6000):
            if len(self.frames) >= count:
                return
            poller.poll(10)
            for reader in self.reactor.readers:
                reader.doRead()
        raise AssertionError(f"only {len(self.frames)} of {count} frames came")

    def read_until_quiet(self, seconds: float) -> None:
        """Read as a reactor would, until nothing has come for so long."""
        before, deadline = len(self.frames), monotonic() + seconds
        while monotonic() < deadline:
            for reader in list(self.reactor.readers):
                zmq.select([reader.fileno()], [], [], 0.01)
                reader.doRead()
            if len(self.frames) > before:
                before, deadline = len(self.frames), monotonic() + seconds

    def close(self) -> None:
        self.push.close(linger=0)
        self.context.destroy(linger=0)
        if self.intake.running:
            self.intake.stopService()
