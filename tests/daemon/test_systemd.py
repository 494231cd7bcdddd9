"""sd_notify: one datagram where systemd wants it, and silence otherwise."""

import socket
from pathlib import Path

import pytest

from zibrato.daemon.systemd import notify


@pytest.mark.parametrize("abstract", [False, True])
def test_the_state_arrives(tmp_path: Path, abstract: bool) -> None:
    address = f"@zibrato-test-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(address.replace("@", "\0", 1))
        notify({"NOTIFY_SOCKET": address}, "READY=1")
        assert receiver.recv(100) == b"READY=1"


def test_without_systemd_nothing_happens(tmp_path: Path) -> None:
    notify({}, "READY=1")
    notify({"NOTIFY_SOCKET": str(tmp_path / "nobody")}, "READY=1")
