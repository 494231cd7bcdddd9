"""A daemon ships to a real carbon, in both protocols, which is killed amid that and comes back."""

from __future__ import annotations

import signal
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.integration import carbon
from tests.integration.carbon import Carbon
from tests.integration.frames import send_timings
from tests.integration.processes import daemon, eventually
from tests.integration.prometheus_server import victoria_metrics
from tests.ports import free_port
from zibrato import Zibrato

TAGS = ";level=info;source=box"
SECONDS = [0.001 * number for number in range(1, 101)]


def unread(port: int) -> int:
    """Return how many bytes are on their way to a port of this host that nobody has read."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    queues = [fields[4] for fields in lines if fields[1].endswith(f":{port:04X}")]
    return sum(int(queue.partition(":")[2], 16) for queue in queues)


@pytest.fixture
def there(pytestconfig: pytest.Config, tmp_path: Path) -> Carbon:
    directory = tmp_path / "carbon"
    directory.mkdir()
    return Carbon(carbon.installed(pytestconfig), directory, free_port(), free_port())


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
        send_timings(socket_, "work", SECONDS)
        for level in ("info", "error"):
            z.count(name="calls", value=21, level=level)
        z.gauge(name="depth", value=-4, tags={"queue": "a b"})
        z.flush()
        there.wait_for(f"calls.count{TAGS}", 21)
        there.wait_for(f"calls.count{errors}", 21)
        there.wait_for("depth;level=info;queue=a-b;source=box", -4)
        there.wait_for(f"work.count{TAGS}", len(SECONDS))
        # Carbon writes one file after the other.
        eventually(lambda: all(there.values(f"work.{name}{TAGS}") for name in ("sum", "p50")))
        assert there.total(f"work.sum{TAGS}") == pytest.approx(sum(SECONDS))
        assert there.values(f"work.p50{TAGS}") == [pytest.approx(0.05)]
        receiver.send(signal.SIGSTOP)
        for level in ("info", "error"):
            z.count(name="calls", value=100, level=level)
        z.flush()
        eventually(lambda: all(unread(port) for port in there.ports.values()))
        receiver.send(signal.SIGKILL)
        receiver.wait()
        here.wait_for("graphite can't deliver: .*(lost|reset)")
        with there.start():
            here.send(signal.SIGHUP)  # they need not wait out their pauses
            there.wait_for(f"calls.count{TAGS}", 121)
            there.wait_for(f"calls.count{errors}", 121)


def test_another_receiver_of_lines_makes_labels_of_the_tags(tmp_path: Path) -> None:
    port = free_port()
    socket = f"ipc://{tmp_path}/socket"
    with (
        victoria_metrics(tmp_path, f"-graphiteListenAddr=127.0.0.1:{port}") as there,
        daemon(
            *("--socket", socket, "--flush-interval", "1", "--source", "box"),
            *("--backend", f"graphite:address=127.0.0.1:{port}"),
        ),
        Zibrato(socket, linger=30) as z,
    ):
        for _ in range(2):
            z.count(name="calls", value=21, tags={"route": "/a"}, level="error")
        z.flush()
        total = 'sum_over_time({__name__="calls.count"}[1h])'

        def arrived() -> bool:
            with urlopen(f"{there.url}/internal/force_flush"):  # else it takes its time
                return (there.value(f"sum({total})") or 0.0) >= 42

        eventually(arrived)
        assert there.value(f"sum({total})") == 42
        assert {tuple(sorted(labels.items())) for labels, _ in there.query(total)} == {
            (("level", "error"), ("route", "/a"), ("source", "box"))
        }
