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

    from zibrato.curve import Given


class Zibrato(Instruments):
    """Records measurements and sends them to a daemon, without ever blocking the caller.

    `socket` is a ZeroMQ endpoint (`ipc://PATH`, `tcp://HOST:PORT`, `inproc://NAME`), else
    `$ZIBRATO_SOCKET`, else tcp://127.0.0.1:5550. It is connected to, or bound with `bind`. `level`
    (else `$ZIBRATO_LEVEL`) is a threshold: instruments below it cost nothing. `source` (else
    `$ZIBRATO_SOURCE`) and `tags` are for every measurement that names none of its own. At exit it
    takes at most `linger` seconds to send what is left. While no daemon is there, about
    `max_pending` samples are kept, and counters without end. A `context` is used, not ended.

    `curve` (else `$ZIBRATO_CURVE`) is for a daemon on another host, which asks for keys: a
    directory with `server.key` and the client's own NAME.key_secret, as `zibrato keygen` makes it,
    or two files, the secret one first. The keys are read here, and used for tcp alone.

    With `acknowledged` (else `$ZIBRATO_ACKNOWLEDGED`) what is sent is kept as well, within
    `max_pending`, and sent again, until the daemon says that it is committed. It says so at the
    endpoint that is given in place of True, else at `socket` with `.ack` or the next port.

    Raises TypeError or ValueError for an argument that can't be meant. With `ZIBRATO_DISABLED=1` in
    the environment nothing is recorded.
    """

    def __init__(
        self,
        socket: str | None = None,
        *,
        level: str | int | None = None,
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
        bind: bool = False,
        curve: Given | None = None,
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
        # It raises before there is a connection, which nobody would close.
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

        `reading` is a gauge's callable that took too long to be waited for.
        """
        return Counter(dict(self._connection.errors))

    def flush(self, timeout: float = 1.0) -> bool:
        """Send what was recorded; return whether all of it went to a daemon within `timeout` s.

        It is on the way then; with `acknowledged` the daemon has committed it.
        """
        return sender.flush([self._connection], timeout)

    def close(self) -> None:
        """Send what was recorded, within `linger` seconds; what is left then, or comes later, is
        dropped, counted.

        Clients of one endpoint share a connection, which the last one closes.
        """
        # `pop` is atomic: of several threads that close, one gets it, also in a signal handler.
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
