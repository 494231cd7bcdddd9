"""What each of several backends gets, also of what waited while the daemon was down."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.librato_server import LibratoServer
from tests.integration.processes import daemon, eventually
from zibrato import Zibrato

NAMES = ("web.hits", "web.debug.hits", "db.calls")


def test_names_are_filtered_and_prefixed(tmp_path: Path) -> None:
    socket, log = f"ipc://{tmp_path}/socket", tmp_path / "log.jsonl"
    with LibratoServer() as server:
        server.down = 503
        options = (
            *("--socket", socket, "--flush-interval", "0.5", "--outbox", str(tmp_path / "outbox")),
            *("--username", server.username, "--apikey", server.apikey, "--hostname", server.url),
            *("--backend", "librato:include=web.*:exclude=*.debug.*:prefix=shop."),
            *("--backend", f"log:path={log}:exclude=web.*"),
        )
        with daemon(*options) as process:
            with Zibrato(socket, linger=30) as z:
                for value, name in enumerate(NAMES, 1):
                    z.count(name=name, value=value)
            process.wait_for("librato can't deliver")
            eventually(lambda: log.exists() and "db.calls" in log.read_text())
            process.stop()
        server.down = None
        with daemon(*options) as process:
            server.wait_for(lambda: server.total("shop.web.hits") == 1)
            process.stop()
        names = {one["name"] for request in server.requests for one in request}
        assert {name for name in names if "zibrato." not in name} == {"shop.web.hits"}
    logged = {json.loads(line)["name"] for line in log.read_text().splitlines()}
    assert logged & set(NAMES) == {"db.calls"}
