"""Where the page may be served, and what is found out before it is."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from tests.fake_reactor import FakeReactor
from zibrato.store.options import WEB
from zibrato.store.web.endpoint import check_can_listen, is_local, server_endpoint, url_of


def test_only_loopback_is_local() -> None:
    for description in (
        WEB, "tcp:0:interface=127.9.9.9", "tcp6:1:interface=\\:\\:1", "unix:/a/b",
    ):  # fmt: skip
        assert is_local(description), description
    for description in (
        "tcp:5580", "tcp:port=5580:interface=0.0.0.0", "tcp6:1:interface=\\:\\:", "ssl:1",
        "systemd:domain=INET:index=0", "tcp:1:interface=name",
    ):  # fmt: skip
        assert not is_local(description), description


@pytest.mark.parametrize(
    "description",
    [
        "", " ", ":", "nonsense:1", "tcp", "tcp:", "tcp:x", "tcp:-1", "tcp:65536", "tcp:99999",
        "tcp:٣", "tcp:1_0", "tcp: 0", "tcp:0:bogus=1", "tcp:0:port=1", "tcp:0:::1",
        "tcp:0:interface=127.0.0.1:interface=0.0.0.0", "tcp:0:backlog=x", "tcp:0:backlog=-1",
        "tcp6:-1", "ssl:-1", "unix", "unix:", "unix:/a:mode=999", "systemd:domain=INET:index=0",
        "systemd:", "http://127.0.0.1:5580", "127.0.0.1:5580", "5580",
    ],
)  # fmt: skip
def test_what_is_no_endpoint_is_one_line(description: str) -> None:
    with pytest.raises(ValueError, match=r"^--web: expected a Twisted endpoint such as") as caught:
        server_endpoint(FakeReactor(), description)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "description",
    [
        WEB, "tcp:0", "tcp:port=0:interface=127.0.0.1:backlog=50", "tcp6:1:interface=\\:\\:1",
        "unix:/a/b:mode=660:lockfile=0", "unix:address=/a", "tcp:0:interface=localhost",
    ],
)  # fmt: skip
def test_what_twisted_has_is_an_endpoint(description: str) -> None:
    server_endpoint(FakeReactor(), description)


def test_a_port_that_is_taken_is_found_beforehand() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for description in (
            f"tcp:{port}:interface=127.0.0.1", f"tcp:port={port}:interface=127.0.0.1",
            f"tcp:{port}", f"ssl:{port}",
        ):  # fmt: skip
            with pytest.raises(OSError, match="in use"):
                check_can_listen(description)
    check_can_listen("tcp:0:interface=127.0.0.1")


def test_a_path_that_can_not_be_is_found_beforehand(tmp_path: Path) -> None:
    path = tmp_path / "web"
    check_can_listen(f"unix:{path}")
    assert not path.exists()
    for other, message in (
        ("/nix/da", "No such file"), (tmp_path, "there is a file"), ("x" * 200, "too long"),
    ):  # fmt: skip
        with pytest.raises(OSError, match=message):
            check_can_listen(f"unix:{other}")
    path.touch()
    with pytest.raises(OSError, match="there is a file"):
        check_can_listen(f"unix:{path}")
    assert path.exists()


def test_only_a_socket_that_a_killed_daemon_left_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "web"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            check_can_listen(f"unix:{path}")
    with pytest.raises(OSError, match="in use"):  # whose it was nothing says
        check_can_listen(f"unix:{path}")
    Path(f"{path}.lock").symlink_to("99999999")
    check_can_listen(f"unix:{path}")


def test_an_address_is_one_that_a_browser_can_open() -> None:
    assert url_of(IPv4Address("TCP", "0.0.0.0", 80)) == "http://127.0.0.1:80/"  # noqa: S104 - nothing listens
    assert url_of(IPv4Address("TCP", "10.0.0.1", 80)) == "http://10.0.0.1:80/"
    assert url_of(IPv6Address("TCP", "::1", 80)) == "http://[::1]:80/"
    assert "/run/web" in url_of(UNIXAddress("/run/web"))
