"""Endpoints: which texts are valid, whether they bind or connect, and how sockets use them."""

from __future__ import annotations

from typing import Any, cast

import pytest
import zmq

from zibrato.endpoint import DEFAULT_SOCKET, Endpoint

NONE = ["", "5550", "udp://x:1", "ipc://", "connect:", "connect:tcp//x", "://x"]


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("tcp://127.0.0.1:5550", Endpoint("tcp://127.0.0.1:5550")),
        ("connect:ipc:///tmp/x", Endpoint("ipc:///tmp/x", connect=True)),
        ("inproc://x", Endpoint("inproc://x")),
    ],
)
def test_a_daemons_are_bound_unless_they_say_connect(text: str, endpoint: Endpoint) -> None:
    assert Endpoint.parse(text) == endpoint
    assert endpoint.connect == text.startswith("connect:")


def test_a_clients_connect_unless_they_are_to_be_bound() -> None:
    assert Endpoint.of_client("ipc:///tmp/x") == Endpoint("ipc:///tmp/x", connect=True)
    assert Endpoint.of_client("ipc:///tmp/x", bind=True) == Endpoint("ipc:///tmp/x", connect=False)


def test_both_sides_meet_at_the_default() -> None:
    assert Endpoint.of_client(DEFAULT_SOCKET).address == Endpoint.parse(DEFAULT_SOCKET).address


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_endpoint_of_a_daemon_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected ipc://PATH.* with connect: before") as error:
        Endpoint.parse(text)
    assert str(error.value).endswith(f"got {text!r}")


@pytest.mark.parametrize("text", [*NONE, "connect:ipc:///tmp/x"])
def test_what_is_no_endpoint_of_a_client_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match=r"^socket: expected ipc://PATH, tcp://HOST:PORT") as error:
        Endpoint.of_client(text)
    assert str(error.value).endswith(f"got {text!r}")


@pytest.mark.parametrize("port", ["", "99999", "65536", "-1", "+1", "1_0", "٣", " 5", "x", "055"])
@pytest.mark.parametrize("connect", ["", "connect:"])
def test_a_port_is_one_that_there_is(port: str, connect: str) -> None:
    for host in ("127.0.0.1", "*", "[::1]"):
        with pytest.raises(ValueError, match=r"with a port from 1 to 65535"):
            Endpoint.parse(f"{connect}tcp://{host}:{port}")


def test_only_who_binds_leaves_the_port_open() -> None:
    assert Endpoint.parse("tcp://*:*") == Endpoint("tcp://*:*")
    assert Endpoint.parse("tcp://127.0.0.1:0") == Endpoint("tcp://127.0.0.1:0")
    assert Endpoint.of_client("tcp://127.0.0.1:*", bind=True) == Endpoint("tcp://127.0.0.1:*")
    with pytest.raises(
        ValueError, match=r"^socket: expected the daemon's own host, .*'tcp://\*:1'"
    ):
        Endpoint.of_client("tcp://*:1")
    with pytest.raises(ValueError, match=r"^expected the daemon's own host"):
        Endpoint.parse("connect:tcp://*:1")
    for address in ("tcp://a:*", "tcp://a:0"):
        with pytest.raises(ValueError, match="with a port from 1 to 65535 behind the colon"):
            Endpoint.of_client(address)


@pytest.mark.parametrize("path", ["a\0b", "\udcff", "a\n"])
def test_a_path_is_text(path: str) -> None:
    with pytest.raises(ValueError, match=r"^expected ipc://PATH"):
        Endpoint.parse(f"ipc:///{path}")


def test_only_inproc_is_the_process_own() -> None:
    assert Endpoint("inproc://x").inproc
    assert not Endpoint("ipc://inproc:").inproc


class Socket:
    """Notes calls of a socket's methods."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    def set(self, option: int, value: int) -> None:
        self.calls.append((option, value))

    def bind(self, address: str) -> None:
        self.calls.append(("bind", address))

    def connect(self, address: str) -> None:
        self.calls.append(("connect", address))


@pytest.mark.parametrize(("address", "ipv6"), [("tcp://[::1]:1", True), ("tcp://a:1", False)])
@pytest.mark.parametrize("connect", [True, False])
def test_a_socket_is_told_before_it_is_attached(address: str, ipv6: bool, connect: bool) -> None:
    socket = Socket()
    Endpoint(address, connect).attach(cast(zmq.Socket[Any], socket))
    assert socket.calls == [(zmq.IPV6, ipv6), ("connect" if connect else "bind", address)]


@pytest.mark.parametrize(
    ("address", "remote"),
    [
        ("tcp://127.0.0.1:1", False), ("tcp://127.9.9.9:*", False), ("tcp://[::1]:1", False),
        ("tcp://localhost:1", False), ("ipc:///tcp", False), ("inproc://tcp", False),
        ("tcp://10.0.0.1:0;127.0.0.1:1", False), ("tcp://127.0.0.1:0;10.0.0.1:1", True),
        ("tcp://*:1", True), ("tcp://0.0.0.0:1", True), ("tcp://[::]:1", True),
        ("tcp://eth0:1", True), ("tcp://host:1", True), ("tcp://[fe80::1%eth0]:1", True),
        ("tcp://127.0.0.1.example.com:1", True), ("tcp://0177.0.0.1:1", True),
    ],
)  # fmt: skip
def test_what_is_not_surely_this_host_is_another(address: str, remote: bool) -> None:
    assert Endpoint(address).remote == remote


def test_only_a_bound_file_has_a_path() -> None:
    assert Endpoint("ipc:///run/x").path == "/run/x"
    assert Endpoint("ipc:///run/x", connect=True).path is None
    assert Endpoint("ipc://@abstract").path is None
    assert Endpoint("tcp://127.0.0.1:1").path is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ipc:///run/x", "ipc:///run/x.ack"),
        ("inproc://x", "inproc://x.ack"),
        ("tcp://127.0.0.1:5550", "tcp://127.0.0.1:5551"),
        ("tcp://[::1]:5550", "tcp://[::1]:5551"),
        ("tcp://127.0.0.1:65535", None),
        ("tcp://127.0.0.1:*", None),
    ],
)
def test_the_way_back_is_beside_the_socket(address: str, expected: str | None) -> None:
    for connect in (True, False):
        way_back = Endpoint(address, connect).way_back()
        assert way_back == (None if expected is None else Endpoint(expected, connect))
