"""Clients that ZeroMQ has given up come back, with nothing lost or doubled; sockets are real."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from unittest import mock

import pytest
import zmq

from tests.batches import batch_of
from tests.integration.processes import eventually
from tests.ports import free_port
from zibrato.client.acknowledged import connection_kind
from zibrato.client.connection import Connection
from zibrato.client.connector import Connector, Context
from zibrato.commands.keygen import make_keys
from zibrato.curve import ClientKeys, client_keys, server_keys
from zibrato.endpoint import Endpoint
from zibrato.model import COUNTER, Series
from zibrato.wire import VERSION, Acknowledgement, encode_acknowledgement


@pytest.fixture
def context() -> Iterator[Context]:
    """The daemon's."""
    own: Context = zmq.Context()
    yield own
    own.destroy(linger=0)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_keys(tmp_path / "keys", "server")
    make_keys(tmp_path / "keys", "web-1")
    return tmp_path / "keys"


@contextmanager
def daemon(
    context: Context, kind: int, port: int, keys: Path | None
) -> Iterator[zmq.Socket[bytes]]:
    """Have a socket at `port`, which requires keys if there are any."""
    with context.socket(kind) as listening:
        listening.set(zmq.LINGER, 0)
        if keys is not None:
            listening.set(zmq.CURVE_SERVER, 1)
            listening.set(zmq.CURVE_SECRETKEY, server_keys(keys).pair.secret)
        listening.bind(f"tcp://127.0.0.1:{port}")
        yield listening


def offering(mechanism: bytes) -> bytes:
    """Return the greeting of a peer that offers this mechanism alone."""
    return b"\xff" + bytes(8) + b"\x7f\3\0" + mechanism.ljust(20, b"\0") + bytes(32)


@contextmanager
def stranger(port: int, greeting: bytes) -> Iterator[None]:
    """Have someone at `port` who says this to everybody.

    Unlike ZeroMQ it doesn't end a connection first: then clients would sometimes try again.
    """
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", port)))

        def greet() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    stack.enter_context(peer).sendall(greeting)

        thread = threading.Thread(target=greet)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def connection(port: int, keys: ClientKeys | None, way_back: int | None = None) -> Connection:
    ends = [Endpoint(f"tcp://127.0.0.1:{end}", connect=True) for end in (port, way_back) if end]
    connector = Connector(ends[0], keys=keys, way_back=ends[1] if way_back else None)
    made = connection_kind(connector)(connector)
    made.acquire(1.0, 1000)
    return made


def count(client: Connection, number: int) -> None:
    client.buffers.counter_buffer(Series(COUNTER, f"c{number}", ""), 1).increment()
    client.step(1000.0)


def step_until(client: Connection, *, failures: int) -> None:
    """Step until ZeroMQ has given up so often."""
    opened, seen = client._opened, 0
    assert opened is not None
    revive = opened[1].revive

    def counting() -> bool:
        nonlocal seen
        is_failure = revive()
        seen += is_failure
        return is_failure

    def enough() -> bool:
        client.step(1000.0)
        return seen >= failures

    with mock.patch.object(opened[1], "revive", counting):
        eventually(enough)


def received(pull: zmq.Socket[bytes], client: Connection, names: int) -> list[str]:
    """Step until so many of our counters have come; return their names in order."""
    found: list[str] = []

    def all_have_come() -> bool:
        client.step(1000.0)
        client.wait(1)
        while pull.poll(5):
            counters = batch_of(pull.recv()).counters
            found.extend(row.name for row in counters if row.name.startswith("c"))
        return len(found) >= names

    eventually(all_have_come)
    return found


@pytest.mark.parametrize("has_keys", [True, False])
def test_a_daemon_that_did_not_agree_about_keys_is_tried_again(
    context: Context, keys: Path, has_keys: bool
) -> None:
    port = free_port()
    client = connection(port, client_keys(keys) if has_keys else None)
    count(client, 1)
    with stranger(port, offering(b"NULL" if has_keys else b"CURVE")):
        step_until(client, failures=2)
        count(client, 2)
    with daemon(context, zmq.PULL, port, keys if has_keys else None) as right:
        count(client, 3)
        assert received(right, client, 3) == ["c1", "c2", "c3"]
        assert not right.poll(50)
    assert client.dropped == {}
    assert client.errors == {"handshake": 1}
    end(client)


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.2p1\r\n", b"HTTP/1.1 400 Bad Request\r\n"]
)
@pytest.mark.parametrize("has_keys", [True, False])
@pytest.mark.attack("another server at the daemon's port", before="measurements lost unnoticed")
def test_a_server_of_something_else_takes_nothing(
    context: Context, keys: Path, greeting: bytes, has_keys: bool
) -> None:
    port = free_port()
    client = connection(port, client_keys(keys) if has_keys else None)
    count(client, 1)
    with stranger(port, greeting):
        step_until(client, failures=2)
        count(client, 2)
    with daemon(context, zmq.PULL, port, keys if has_keys else None) as right:
        assert received(right, client, 2) == ["c1", "c2"]
    assert client.dropped == {}
    assert client.errors == {"handshake": 1}
    end(client)


def test_a_connection_that_ends_is_no_failure() -> None:
    port = free_port()
    client = connection(port, None)
    for _ in range(3):
        # With its context, the daemon's port is free again.
        with zmq.Context() as context, daemon(context, zmq.PULL, port, None) as pull:

            def comes(pull: zmq.Socket[bytes] = pull) -> int:
                count(client, 1)
                return pull.poll(5)

            eventually(comes)
    assert client.errors == {}
    end(client)


def test_so_is_the_way_back_alone(context: Context, keys: Path) -> None:
    forth, back = free_port(), free_port()
    client = connection(forth, client_keys(keys), back)
    with daemon(context, zmq.PULL, forth, keys) as pull:
        with stranger(back, offering(b"NULL")):
            count(client, 1)
            step_until(client, failures=1)
        with daemon(context, zmq.XPUB, back, keys) as publisher:
            topics: list[bytes] = []

            def is_acknowledged() -> bool:
                client.step(1000.0)
                if publisher.poll(5):
                    topics.append(publisher.recv()[1:])
                for topic in topics:  # each time, since the row of the failure may be sent later
                    said = Acknowledgement(VERSION, "a", 1000, None)
                    publisher.send_multipart([topic, encode_acknowledgement(said)])
                return not client.pending

            eventually(is_acknowledged)
        assert pull.poll(60_000)
    assert client.dropped == {}
    end(client)


def test_a_daemon_that_comes_late_is_no_failure(context: Context) -> None:
    port = free_port()
    client = connection(port, None)
    count(client, 1)
    with daemon(context, zmq.PULL, port, None) as pull:
        assert received(pull, client, 1) == ["c1"]
    assert client.errors == {}
    end(client)


def test_however_often_it_was_given_up_it_ends(keys: Path) -> None:
    port = free_port()
    client = connection(port, client_keys(keys))
    count(client, 1)
    with stranger(port, offering(b"NULL")):
        step_until(client, failures=50)
    assert client.pending == 2  # and what tells of the failure
    end(client)


def end(client: Connection) -> None:
    """Close a client, whose context ends only if no socket is left in it."""
    client.users -= 1
    client.step(1000.0)
    context = client.close(0.0)
    assert context is not None
    context.term()
