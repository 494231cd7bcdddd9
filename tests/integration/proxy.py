"""A network that fails between a client and a daemon: it stalls, swallows, delays and cuts."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

CHUNK = 4096


class Proxy:
    """Passes what comes to a TCP port of its own on to an ipc socket, and back.

    Controls, to be set at any time: while `stalled`, nothing is read; while `swallowing`, what
    clients send is lost, after which `cut` is a must; `delay` are seconds before each chunk.
    """

    def __init__(self, target: str) -> None:
        self._target = target.removeprefix("ipc://")
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.stalled = False
        self.swallowing = False
        self.delay = 0.0
        self.cuts = 0
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._pause = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Cut every connection; what is on its way is lost."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            self.cuts += len(self._open) // 2
            self._open.clear()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(30)
        self.stalled = False
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                daemon = socket.socket(socket.AF_UNIX)
                try:
                    daemon.connect(self._target)
                except OSError:
                    client.close()
                    daemon.close()
                    continue
                with self._lock:
                    self._open += [client, daemon]
                self._start(client, daemon, forth=True)
                self._start(daemon, client, forth=False)

    def _start(self, source: socket.socket, target: socket.socket, *, forth: bool) -> None:
        threading.Thread(target=self._pass_on, args=(source, target, forth), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, forth: bool) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                while self.stalled:
                    self._pause.wait(0.01)
                if self.delay:
                    self._pause.wait(self.delay)
                if not (forth and self.swallowing):
                    target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
