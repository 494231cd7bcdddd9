"""The worked example of docs/howto/several_backends: each level goes where the page says."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.docs.blocks import ROOT, blocks_of
from tests.integration.processes import daemon, eventually
from tests.integration.store_client import PAGE, Store
from zibrato import Zibrato
from zibrato.commands.check_config import checked_settings

EXAMPLE = ROOT / "docs/howto/several_backends.rst"
LEVELS = ("debug", "info", "warning", "error", "critical")
CREDENTIALS = "hosts:the-key-0123456789"


class Team(Store):
    """A store that asks for credentials."""

    def get(self, path: str) -> Any:
        basic = b64encode(CREDENTIALS.encode()).decode()
        with urlopen(Request(self.url + path, headers={"Authorization": f"Basic {basic}"})) as got:
            return json.load(got)


def example(directory: Path, collector: Store, team: Store) -> Path:
    """Return the page's configuration with the places of a test in it."""
    (text,) = [block.text for block in blocks_of(EXAMPLE) if block.language == "toml"]
    (directory / "apikey").write_text(CREDENTIALS.partition(":")[2])
    for theirs, ours in (
        ("ipc:///run/zibrato/socket", f"ipc://{directory}/socket"),
        ("http://team.example.com:5580", team.url),
        ("/etc/zibrato/apikey", f"{directory}/apikey"),
        ("/var/lib/zibrato/store.sqlite", f"{directory}/store.sqlite"),
        ("http://collector.example.com:4318", collector.url),
    ):
        assert theirs in text
        text = text.replace(theirs, ours)
    file = directory / "zibrato.toml"
    file.write_text(text)
    return file


def test_each_level_goes_where_it_is_wanted(tmp_path: Path) -> None:
    places = {name: tmp_path / name for name in ("host", "collector", "team")}
    for place in places.values():
        place.mkdir()
    credentials = tmp_path / "credentials"
    credentials.write_text(CREDENTIALS)
    credentials.chmod(0o600)
    collector, team = Store(places["collector"]), Team(places["team"])
    fast = ("--flush-interval", "0.3")
    with collector.start(*fast), team.start("--web-credentials", str(credentials)):
        file = example(places["host"], collector, team)
        checked_settings(str(file), {})
        options = ("--web", "tcp:0:interface=127.0.0.1", *fast)
        with daemon("--config", str(file), *options) as process:
            host = Store(places["host"])
            host.url = process.wait_for(PAGE)[1]
            with Zibrato(host.endpoint, linger=30) as z:
                for number, level in enumerate(LEVELS, 1):
                    z.count(name=f"at.{level}", value=number, level=level)
                assert z.flush(30)

            def totals(store: Store) -> list[float]:
                return [store.total(f"at.{level}") for level in LEVELS]

            eventually(lambda: totals(host) == [1, 2, 3, 4, 5])
            eventually(lambda: totals(collector) == [0, 2, 3, 4, 5])
            eventually(lambda: totals(team) == [0, 0, 0, 4, 5])
            process.stop()
            assert "Traceback" not in process.output
            assert CREDENTIALS.partition(":")[2] not in process.output
        assert totals(collector) == [0, 2, 3, 4, 5]
        assert totals(team) == [0, 0, 0, 4, 5]
