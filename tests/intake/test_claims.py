"""Claims: who has an endpoint, and what can't be had; sockets are real."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import zmq

from tests.intake.sockets import Reactor
from tests.ports import free_port
from zibrato.endpoint import Endpoint
from zibrato.intake.claims import claim
from zibrato.intake.zeromq import make


def check_is_free(endpoint: Endpoint) -> None:
    with ExitStack() as claims:
        claim(endpoint, claims)


def test_an_address_in_use_is_told_by_the_check(tmp_path: Path) -> None:
    context: zmq.Context[Any] = zmq.Context()
    with context.socket(zmq.PULL) as other:
        port = other.bind_to_random_port("tcp://127.0.0.1")
        with pytest.raises(ValueError, match=": Address already in use"):
            check_is_free(Endpoint(f"tcp://127.0.0.1:{port}"))
    context.term()
    check_is_free(Endpoint("tcp://127.0.0.1:*"))
    check_is_free(Endpoint(f"ipc://{tmp_path}/free"))
    check_is_free(Endpoint("tcp://127.0.0.1:1", connect=True))


@pytest.mark.parametrize("transport", ["tcp", "ipc", "abstract"])
def test_nobody_can_connect_while_an_endpoint_is_tried(tmp_path: Path, transport: str) -> None:
    """Clients that wait for a daemon would lose what they send to a trial, or give up for good."""
    port = free_port()
    ends: dict[str, tuple[str, socket.AddressFamily, str | tuple[str, int]]] = {
        "tcp": (f"tcp://127.0.0.1:{port}", socket.AF_INET, ("127.0.0.1", port)),
        "ipc": (f"ipc://{tmp_path}/socket", socket.AF_UNIX, f"{tmp_path}/socket"),
        "abstract": (f"ipc://@{tmp_path}", socket.AF_UNIX, f"\0{tmp_path}"),
    }
    address, family, end = ends[transport]
    with ExitStack() as claims, socket.socket(family) as client:
        claim(Endpoint(address), claims)
        with pytest.raises(ConnectionRefusedError):
            client.connect(end)
        with pytest.raises(ValueError, match=f"^--socket: can't use {address}|another daemon"):
            check_is_free(Endpoint(address))


def test_what_a_killed_daemon_left_is_no_obstacle(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(f"{tmp_path}/socket")
    check_is_free(Endpoint(f"ipc://{tmp_path}/socket"))
    with socket.socket() as server, socket.socket() as client:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        port = server.getsockname()[1]
        accepted.close()  # first, so that the port is left in TIME_WAIT
    check_is_free(Endpoint(f"tcp://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("tcp://192.0.2.1:5550", "Cannot assign requested address"),
        ("tcp://host.invalid:5550", "No such device"),
        ("ipc:///nowhere/socket", "No such file or directory"),
        (f"ipc://@{'x' * 200}", "File name too long"),
    ],
)
def test_an_address_that_is_not_here_is_told(address: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"can't use {address}: {said}; "):
        check_is_free(Endpoint(address))


def test_addresses_of_all_kinds_can_be_tried() -> None:
    for address in ("tcp://*:*", "tcp://lo:*", "tcp://localhost:0", "tcp://[::1]:*", "inproc://a"):
        check_is_free(Endpoint(address))


def test_two_names_of_one_address_are_told_apart_from_another_daemon(tmp_path: Path) -> None:
    for one, other in (
        (f"ipc://{tmp_path}/a", f"ipc://{tmp_path}/./a"),
        (f"tcp://127.0.0.1:{free_port()}",) * 2,
    ):
        endpoints = [Endpoint(one), Endpoint(other)]
        with pytest.raises(ValueError, match=f"^--socket: {other} is taken by another --socket"):
            make(Reactor(), endpoints, lambda frame: None, ipc_mode=0o660)
        check_is_free(endpoints[0])


def test_a_file_that_is_no_socket_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("of mine")
    with pytest.raises(ValueError, match=f"can't use ipc://{tmp_path}/file: There is a file; "):
        check_is_free(Endpoint(f"ipc://{tmp_path}/file"))
    assert (tmp_path / "file").read_text() == "of mine"
