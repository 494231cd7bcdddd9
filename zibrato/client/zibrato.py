"""The client: instruments, and a thread that sends what they record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

from zibrato.client import environment, limits
from zibrato.client.connection import MAX_PENDING
from zibrato.client.connector import Connector
from zibrato.client.instruments import Instruments
from zibrato.client.recorder import Recorder, check_defaults
from zibrato.client.sender import sender

if TYPE_CHECKING:
    import zmq

    from zibrato.curve import KeyFiles


class Zibrato(Instruments):
    """Records measurements and sends them to a daemon, without ever blocking the caller.

    `socket` is a ZeroMQ endpoint (`ipc://PATH`, `tcp://HOST:PORT`, `inproc://NAME`); the default is
    `$ZIBRATO_SOCKET`, or else tcp://127.0.0.1:5550. The client connects to it, or binds it with
    `bind`. `level` (default: `$ZIBRATO_LEVEL`) is a threshold: instruments below it cost nothing.
    `source` (default: `$ZIBRATO_SOURCE`) and `tags` apply to every measurement that has none of its
    own. At exit the client takes at most `linger` seconds to send what is left. Without a daemon
    it keeps about `max_pending` samples; counters keep summing. It uses a `context` but doesn't
    terminate it.

    `curve` (default: `$ZIBRATO_CURVE`) is for a daemon on another host, which asks for keys. It is
    a directory with `server.key` and the client's own NAME.key_secret, as `zibrato keygen` makes
    it, or two files, the secret one first. The keys are read here, and used only for tcp.

    With `acknowledged` (default: `$ZIBRATO_ACKNOWLEDGED`) the client keeps what it has sent, within
    `max_pending`, and sends it again, until the daemon says that it is committed. Instead of True
    it may be the endpoint of acknowledgements; the default is `socket` with `.ack`, or the next
    port.

    Raises TypeError or ValueError for an invalid argument. With `ZIBRATO_DISABLED=1` in the
    environment nothing is recorded.
    """

    def __init__(
        self,
        socket: str | None = None,
        *,
        level: str | int | None = None,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        bind: bool = False,
        curve: KeyFiles | None = None,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
        linger: float = 1.0,
        max_pending: int = MAX_PENDING,
        acknowledged: bool | str | None = None,
    ) -> None:
        endpoint = environment.endpoint(socket, bind=bind)
        keys = environment.curve(curve)
        way_back = environment.way_back(acknowledged, endpoint)
        level = environment.level(level)
        source = environment.source(source)
        linger, max_pending = limits.linger(linger), limits.max_pending(max_pending)
        # Check this before there is a connection, which nobody would close.
        check_defaults(level=level, source=source, tags=tags)
        connector = Connector(endpoint, context, keys, way_back)
        self._connection = sender.acquire(connector, linger, max_pending)
        self._open = [self._connection]
        super().__init__(Recorder(self._connection.buffers, level=level, source=source, tags=tags))

    @property
    def dropped(self) -> Counter[str]:
        """How many measurements were dropped since the start, by reason."""
        return self._connection.dropped

    @property
    def errors(self) -> Counter[str]:
        """How often sending failed since the start, by the error: an `errno` name, or `thread`.

        `reading` counts a gauge's callable that took too long.
        """
        return Counter(dict(self._connection.errors))

    def flush(self, timeout: float = 1.0) -> bool:
        """Send what was recorded; return whether all of it was sent within `timeout` seconds.

        Sent measurements are on their way; with `acknowledged` the daemon has committed them.
        """
        return sender.flush([self._connection], timeout)

    def close(self) -> None:
        """Send what was recorded, within `linger` seconds.

        What is left then, or is recorded later, is dropped and counted. Clients of one endpoint
        share a connection, which the last of them closes.
        """
        # `pop` is atomic: if several threads close, only one gets it, even in a signal handler.
        with suppress(IndexError):
            sender.release(self._open.pop())

    def __enter__(self) -> Zibrato:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
