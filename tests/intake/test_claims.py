"""Claims: who has an endpoint, and what can't be had; sockets are real."""

from __future__ import annotations

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
