"""A daemon ships to a real carbon, in both of its protocols; carbon is killed, and comes back."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from tests.integration import carbon
from tests.integration.carbon import Carbon
from tests.integration.processes import daemon
from zibrato import Zibrato

TAGS = ";level=info;source=box"
SECONDS = [0.001 * number for number in range(1, 101)]


def free_ports(number: int) -> list[int]:
    """Return so many ports; nobody has them, for now."""
    bound = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listening.getsockname()[1] for listening in bound]
    for listening in bound:
        listening.close()
    return ports


@pytest.fixture
def there(pytestconfig: pytest.Config, tmp_path: Path) -> Carbon:
    directory = tmp_path / "carbon"
    directory.mkdir()
    return Carbon(carbon.installed(pytestconfig), directory, *free_ports(2))


def test_both_protocols_wait_for_a_carbon_that_was_killed(tmp_path: Path, there: Carbon) -> None:
    backends = [
        f"graphite:address=127.0.0.1:{port}:protocol={protocol}:levels={level}"
        for (protocol, port), level in zip(there.ports.items(), ("info", "error"), strict=True)
    ]
    options = [f"--backend={backend}" for backend in backends]
    socket_ = f"ipc://{tmp_path}/socket"
    errors = TAGS.replace("info", "error")
    with (
        there.start() as receiver,
        daemon(
            *("--socket", socket_, "--flush-interval", "1", "--source", "box", *options)
        ) as here,
        Zibrato(socket_, linger=30) as z,
    ):
        for seconds in SECONDS:
            z.timing(name="work", value=seconds)
        for level in ("info", "error"):
            z.count(name="calls", value=21, level=level)
        z.gauge(name="depth", value=-4, tags={"queue": "a b"})
        z.flush()
        there.wait_for(f"calls.count{TAGS}", 21)
        there.wait_for(f"calls.count{errors}", 21)
        there.wait_for("depth;level=info;queue=a-b;source=box", -4)
        there.wait_for(f"work.count{TAGS}", len(SECONDS))
        assert there.total(f"work.sum{TAGS}") == pytest.approx(sum(SECONDS))
        assert there.values(f"work.p50{TAGS}") == [pytest.approx(0.05)]
        receiver.send(signal.SIGKILL)
        receiver.wait()
        for level in ("info", "error"):
            z.count(name="calls", value=100, level=level)
        z.flush()
        here.wait_for("graphite can't deliver")
        with there.start():
            here.send(signal.SIGHUP)  # they need not wait out their pauses
            there.wait_for(f"calls.count{TAGS}", 121)
            there.wait_for(f"calls.count{errors}", 121)
