"""Servers that answer what a test says, as peers of the commands that ask a page."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Server:
    """Answers connections on a port of its own, one after another, with bytes, and keeps asking.

    `requests` has what was asked.
    """

    def __init__(self, *answers: bytes) -> None:
        self.requests: list[bytes] = []
        self._answers = answers
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(10)

    def _serve(self) -> None:
        for answer in self._answers:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    asked += connection.recv(65_536)
                self.requests.append(asked)
                connection.sendall(answer)


@contextmanager
def serving(*answers: bytes) -> Iterator[Server]:
    """Have a server for a while."""
    server = Server(*answers)
    try:
        yield server
    finally:
        server.close()


def response(body: bytes, status: int = 200) -> bytes:
    """Return a response whose body ends with the connection."""
    return b"HTTP/1.1 %d Word\r\nConnection: close\r\n\r\n%s" % (status, body)
