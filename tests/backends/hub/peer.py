"""The other end of a link: real sockets that do what a test says, such as to say nothing."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import zmq

from zibrato.wire import VERSION, Acknowledgement, encode_acknowledgement

WAIT = 30_000


class Peer:
    """Listens at `hub` in a directory, and acknowledges at `hub.ack`."""

    def __init__(self, directory: Path) -> None:
        self._context = zmq.Context()
        self._pull = self._context.socket(zmq.PULL)
        self._back = self._context.socket(zmq.XPUB)
        self._back.set(zmq.XPUB_VERBOSE, 1)
        for socket, name in ((self._pull, "hub"), (self._back, "hub.ack")):
            socket.set(zmq.RCVTIMEO, WAIT)
            socket.set(zmq.LINGER, 0)
            socket.bind(f"ipc://{directory}/{name}")

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._context.destroy(linger=0)

    def frame(self) -> bytes:
        """Return the next frame."""
        return self._pull.recv()

    def has_frame(self) -> bool:
        """Return whether there is a frame by now."""
        return bool(self._pull.poll(0))

    def subscription(self) -> bytes:
        """Return the next subscription, or the end of one."""
        return self._back.recv()

    def tell(
        self, client: str, committed: int | None, wanted: int | None = None, instance: str = "i"
    ) -> None:
        """Tell a client how far it is committed."""
        message = Acknowledgement(VERSION, instance, committed, wanted)
        self._back.send_multipart([client.encode(), encode_acknowledgement(message)])
