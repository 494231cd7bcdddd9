"""A real HTTP proxy (Debian's tinyproxy) between the daemon and a server."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.certificates import self_signed
from tests.integration.librato_server import LibratoServer
from tests.integration.processes import Process, daemon, eventually
from tests.ports import free_port
from zibrato import Zibrato

TINYPROXY = shutil.which("tinyproxy", path="/usr/bin:/usr/sbin:/usr/local/bin")
pytestmark = pytest.mark.skipif(TINYPROXY is None, reason="Debian's tinyproxy isn't installed")


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Process]]:
    """A proxy that asks for a name and a password; its port, and its log."""
    port = free_port()
    config = tmp_path_factory.mktemp("proxy") / "tinyproxy.conf"
    config.write_text(
        f"Port {port}\nListen 127.0.0.1\nBasicAuth someone a-secret\nLogLevel Connect\n"
    )
    with Process([str(TINYPROXY), "-d", "-c", str(config)]) as process:

        def listens() -> bool:
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0

        eventually(listens)
        yield port, process


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_all_goes_through_a_proxy(tls: bool, proxy: tuple[int, Process], tmp_path: Path) -> None:
    port, process = proxy
    certificate = tmp_path / "certificate.pem"
    with LibratoServer(tls=self_signed(certificate) if tls else None) as server:
        key = tmp_path / "apikey"
        key.write_text(server.apikey)
        key.chmod(0o600)
        options = (
            *("--username", server.username, "--apikey-file", str(key), "--hostname", server.url),
            *("--socket", f"ipc://{tmp_path}/socket", "--flush-interval", "0.5"),
            *("--backend", f"librato:proxy=http://someone:a-secret@127.0.0.1:{port}"),
        )
        with daemon(*options, environment={"SSL_CERT_FILE": str(certificate)}) as zibrato:
            with Zibrato(f"ipc://{tmp_path}/socket", linger=30) as z:
                z.count(name="calls", value=7)
            server.wait_for(lambda: server.total("calls") == 7)
            zibrato.stop()
            assert "a-secret" not in zibrato.output
        method = "CONNECT" if tls else "POST"
        process.wait_for(rf"{method} \S*:{server.port}")


def test_a_proxy_that_refuses_is_named(proxy: tuple[int, Process], tmp_path: Path) -> None:
    options = (
        *("--username", "me", "--apikey", "a-key", "--hostname", "https://127.0.0.1:1"),
        *("--socket", f"ipc://{tmp_path}/socket", "--flush-interval", "0.5"),
        *("--backend", f"librato:proxy=http://someone:wrong@127.0.0.1:{proxy[0]}"),
    )
    with daemon(*options) as zibrato:
        with Zibrato(f"ipc://{tmp_path}/socket", linger=30) as z:
            z.count(name="calls")
        zibrato.wait_for(r"librato can't deliver: .* the proxy's answer to CONNECT has status 40\d")
