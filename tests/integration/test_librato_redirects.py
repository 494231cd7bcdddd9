"""Servers that send the API key elsewhere: nothing goes there, and nothing is lost over it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.certificates import self_signed
from tests.integration.librato_server import LibratoServer
from tests.integration.processes import daemon
from zibrato import Zibrato

STATUSES = (301, 302, 303, 307, 308)


@pytest.fixture
def elsewhere() -> Iterator[LibratoServer]:
    """A server that would take the key and everything else."""
    with LibratoServer() as made:
        yield made


@pytest.mark.attack(
    "a Librato server that redirects", before="held; treq's default follows to anywhere"
)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_redirect_is_not_followed(tls: bool, elsewhere: LibratoServer, tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    with LibratoServer(tls=self_signed(certificate) if tls else None) as server:
        for status in STATUSES:
            server.rate_limit(1, status, Location=f"{elsewhere.url}/v1/metrics")
        key = tmp_path / "apikey"
        key.write_text(server.apikey)
        key.chmod(0o600)
        options = (
            *("--username", server.username, "--apikey-file", str(key), "--hostname", server.url),
            *("--socket", f"ipc://{tmp_path}/socket", "--flush-interval", "0.5"),
        )
        with daemon(*options, environment={"SSL_CERT_FILE": str(certificate)}) as process:
            with Zibrato(f"ipc://{tmp_path}/socket", linger=30) as z:
                z.count(name="calls", value=7)
            for status in STATUSES:
                # With what is around it: a port may have these digits.
                process.wait_for(f"librato can't deliver: .*: {status}, ")
                process.send(signal.SIGHUP)
            server.wait_for(lambda: server.total("calls") == 7)
            process.stop()
            assert server.apikey not in process.output
    assert (elsewhere.requests, elsewhere.rejections) == ([], [])
