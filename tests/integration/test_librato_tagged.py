"""One daemon ships to the tagged API of another one's store, and to a strict server."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.integration.frames import send_timings
from tests.integration.librato_server import LibratoServer
from tests.integration.outbox_file import wait_until_noted
from tests.integration.processes import Process, daemon, eventually
from tests.integration.shipping import account
from tests.integration.store_client import Store
from zibrato import Zibrato

SECONDS = [0.001 * number for number in range(1, 201)]


def sender(directory: Path, *options: str) -> Process:
    socket = f"ipc://{directory}/sender"
    timing = ("--flush-interval", "0.5", "--outbox", f"{directory}/outbox")
    return daemon("--socket", socket, *timing, "--source", "Box", *options)


def streams(there: Store, name: str) -> Any:
    query = f"/v1/measurements/{name}?duration=3600&resolution=1&summary_function=sum"
    try:
        return there.get(query)["series"]
    except HTTPError:
        return []


def total(there: Store, name: str) -> float:
    """Return the sum of all tagged streams: the legacy API shows what has a source alone."""
    points = [point for stream in streams(there, name) for point in stream["measurements"]]
    return sum(float(point["value"]) for point in points)


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path)
    with store.start():
        yield store


def test_tags_and_levels_arrive_in_a_store_that_was_killed(tmp_path: Path, there: Store) -> None:
    options = (
        *("--username", "any", "--apikey", "a-key"),
        *("--hostname", there.url, "--backend", "librato:api=tagged"),
    )
    with (
        sender(tmp_path, *options) as here,
        Zibrato(f"ipc://{tmp_path}/sender", linger=30) as z,
    ):
        send_timings(f"ipc://{tmp_path}/sender", "work", SECONDS, {"route": "/a"}, "warning")
        z.count(name="calls", value=21, tags={"route": "/a"})
        z.flush()
        eventually(lambda: total(there, "calls") == 21 and total(there, "work") > 0)
        wait_until_noted(tmp_path / "outbox")
        there.process.send(signal.SIGKILL)
        there.process.wait()
        z.count(name="calls", value=100, level="error")
        z.flush()
        here.wait_for("librato can't deliver")
        port = there.url.rpartition(":")[2]
        with there.start("--web", f"tcp:{port}:interface=127.0.0.1"):
            here.send(signal.SIGHUP)  # it need not wait out its pause
            eventually(lambda: total(there, "calls") >= 121)
            assert total(there, "calls") == 121
            assert total(there, "work") == pytest.approx(sum(SECONDS))
            tags = [stream["tags"] for stream in streams(there, "calls")]
            assert sorted(tags, key=str) == [
                {"level": "error", "source": "box"},
                {"level": "info", "route": "/a", "source": "box"},
            ]
            (median,) = streams(there, "work.p50")
            assert median["tags"] == {"level": "warning", "route": "/a", "source": "box"}
            assert median["measurements"][0]["value"] == pytest.approx(0.1)


def test_a_strict_server_takes_in_part(tmp_path: Path) -> None:
    with LibratoServer() as server:
        server.in_part = True
        server.reject = lambda one: "is poison" if one["name"] == "bad" else None
        options = (*account(server), "--backend", "librato:api=tagged")
        with (
            sender(tmp_path, *options) as here,
            Zibrato(f"ipc://{tmp_path}/sender", linger=30) as z,
        ):
            z.count(name="good", value=3)
            z.count(name="bad")
            z.timing(name="work", value=0.25)
            z.flush()
            server.wait_for(lambda: server.total("good") and server.total("work"))
            here.wait_for("librato rejects a part of a request: 1 measurements: .*is poison")
            assert server.measurements("good")[0]["tags"] == {"level": "info", "source": "box"}
            assert server.rejections == []
