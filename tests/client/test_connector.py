"""Connectors: sockets with their bounds, and contexts that are ended by whom they belong to."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zmq

from zibrato.client import resource_check
from zibrato.client.connector import HIGH_WATER, MAX_UNREAD, RECONNECT, Connector, Context
from zibrato.client.reconnecting import ReconnectingSocket
from zibrato.commands.keygen import make_keys
from zibrato.curve import ClientKeys, client_keys
from zibrato.endpoint import Endpoint


@pytest.fixture
def context() -> Iterator[Context]:
    """The host's own."""
    own: Context = zmq.Context()
    yield own
    own.destroy(linger=0)


def of_client(path: Path, context: Context | None = None) -> Connector:
    return Connector(Endpoint.of_client(f"ipc://{path}"), context)


def test_whose_a_context_is(tmp_path: Path, context: Context) -> None:
    assert of_client(tmp_path).owns_context
    assert not of_client(tmp_path, context).owns_context
    assert not Connector(Endpoint.of_client("inproc://x")).owns_context


def test_connectors_of_one_endpoint_and_context_are_the_same(
    tmp_path: Path, context: Context
) -> None:
    assert of_client(tmp_path) == of_client(tmp_path)
    assert of_client(tmp_path) != of_client(tmp_path, context)
    assert of_client(tmp_path) != Connector(Endpoint(f"ipc://{tmp_path}", connect=False))


def test_a_socket_is_bounded_and_its_context_its_own(tmp_path: Path) -> None:
    context, opened = of_client(tmp_path / "socket").open()
    assert isinstance(opened, ReconnectingSocket)
    socket = opened.socket
    assert socket.get(zmq.TYPE) == zmq.PUSH
    assert socket.get(zmq.SNDHWM) == HIGH_WATER
    assert socket.get(zmq.LINGER) == 0
    assert (socket.get(zmq.RECONNECT_IVL), socket.get(zmq.RECONNECT_IVL_MAX)) == RECONNECT
    assert socket.context is context
    assert context is not zmq.Context.instance()
    opened.close(linger=0)
    context.term()


def test_a_subscriber_is_bounded_and_hears_of_its_client_alone(
    tmp_path: Path, context: Context
) -> None:
    way_back = Endpoint(f"ipc://{tmp_path}/socket.ack")
    publisher: Any = context.socket(zmq.XPUB)
    publisher.bind(way_back.address)
    connector = of_client(tmp_path / "socket", context)
    connector = replace(connector, way_back=way_back._replace(connect=True))
    subscriber = connector.subscribe(context, "one").socket
    assert publisher.recv() == b"\1one"
    assert subscriber.get(zmq.RCVHWM) == MAX_UNREAD
    publisher.send_multipart([b"other", b"x"])
    publisher.send_multipart([b"one", b"y"])
    assert subscriber.recv_multipart() == [b"one", b"y"]
    with pytest.raises(zmq.ZMQError):
        replace(connector, way_back=Endpoint("ipc:///nowhere/x")).subscribe(context, "one")


def test_a_context_of_the_host_is_used(tmp_path: Path, context: Context) -> None:
    used, socket = of_client(tmp_path / "socket", context).open()
    assert used is context
    socket.close(linger=0)


def test_inproc_is_reached_in_the_context_of_the_process() -> None:
    used, socket = Connector(Endpoint.of_client("inproc://nobody")).open()
    assert used is zmq.Context.instance()
    socket.close(linger=0)


def test_what_fails_to_open_leaves_nothing_but_the_hosts_context(
    tmp_path: Path, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = Endpoint.of_client(f"ipc://{tmp_path}/missing/socket", bind=True)
    with pytest.raises(zmq.ZMQError, match="No such file"):
        Connector(endpoint, context).open()
    assert not context.closed
    own: Context = zmq.Context()
    monkeypatch.setattr(zmq, "Context", lambda: own)
    with pytest.raises(zmq.ZMQError, match="No such file"):
        Connector(endpoint).open()
    assert own.closed  # ending it would have waited for a socket that is open


def test_without_resources_libzmq_is_not_even_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise zmq.ZMQError(errno.EMFILE)

    monkeypatch.setattr(resource_check, "check_resources", fail)
    monkeypatch.setattr(zmq, "Context", None)
    with pytest.raises(zmq.ZMQError, match="Too many open files"):
        of_client(tmp_path).open()


@pytest.fixture
def keys(tmp_path: Path) -> ClientKeys:
    make_keys(tmp_path, "server")
    make_keys(tmp_path, "web-1")
    made = client_keys(tmp_path)
    assert made is not None
    return made


def test_keys_are_for_tcp_and_show_in_no_repr(keys: ClientKeys, context: Context) -> None:
    for address, mechanism in (("tcp://127.0.0.1:1", zmq.CURVE), ("inproc://a", zmq.NULL)):
        connector = Connector(Endpoint.of_client(address), context, keys)
        assert keys.pair.secret.decode() not in repr(connector)
        assert connector != Connector(Endpoint.of_client(address), context)
        with context.socket(zmq.PUSH) as socket:
            connector.attach(socket)
            assert socket.get(zmq.MECHANISM) == mechanism


def test_a_daemon_in_words(keys: ClientKeys) -> None:
    def words(address: str, keys: ClientKeys | None) -> str:
        return Connector(Endpoint.of_client(address), None, keys).daemon

    assert words("ipc:///a", keys) == "a daemon at ipc:///a"
    assert words("tcp://127.0.0.1:1", None) == "a daemon at tcp://127.0.0.1:1"
    assert words("tcp://h:1", None) == "a daemon at tcp://h:1 that asks for no keys"
    way_back = Endpoint.of_client("ipc:///a.ack")
    acknowledged = Connector(Endpoint.of_client("ipc:///a"), way_back=way_back)
    assert acknowledged.daemon == "a daemon at ipc:///a with acknowledgements at ipc:///a.ack"
    assert words("tcp://h:1", keys) == "a daemon at tcp://h:1 that knows this client's key"
