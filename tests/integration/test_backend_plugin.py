"""A third party's backend: a file on the path, found as a Twisted plugin, used by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.integration.processes import BIN, Process, daemon
from zibrato import Zibrato

PLUGIN = """
from pathlib import Path

from twisted.internet.defer import succeed
from twisted.plugin import IPlugin
from zope.interface import implementer

from zibrato.interfaces import IBackend, IBackendMaker


@implementer(IBackend)
class FileBackend:
    name = "thirdparty"

    def __init__(self, path, percentiles):
        self._file = Path(path).open("a")
        self._percentiles = percentiles

    def deliver(self, delivery):
        for snapshot in delivery.snapshots:
            for series, summary in snapshot.summaries.items():
                self._file.write(f"{series.name} {summary.sum} {self._percentiles}\\n")
        delivery.delivered(delivery.pending)
        return succeed(None)

    def reload(self, settings):
        pass

    def stop(self):
        self._file.write("stopped\\n")
        self._file.close()
        return succeed(None)


@implementer(IPlugin, IBackendMaker)
class Maker:
    name = "thirdparty"
    description = "Appends to the file path=FILE"

    def make(self, settings, context):
        if "path" not in settings:
            raise ValueError("path: expected the file to append to; give thirdparty:path=FILE")
        return FileBackend(settings["path"], context.percentiles)


maker = Maker()
"""


@pytest.fixture
def environment(tmp_path: Path) -> Mapping[str, str]:
    """An environment in which Python finds the third party's plugin."""
    plugins = tmp_path / "thirdparty/twisted/plugins"
    plugins.mkdir(parents=True)
    (plugins / "thirdparty_backend.py").write_text(PLUGIN)
    return {"PYTHONPATH": f"{tmp_path}/thirdparty"}


def test_it_gets_what_was_measured(environment: Mapping[str, str], tmp_path: Path) -> None:
    endpoint, file = f"ipc://{tmp_path}/socket", tmp_path / "measured"
    options = ("--socket", endpoint, "--percentiles", "90")
    backends = ("--backend", f"thirdparty:path={file}:levels=info+", "--backend", "memory")
    with daemon(*options, *backends, environment=environment) as process:
        with Zibrato(endpoint, linger=30) as z:
            z.count(name="calls", value=42)
            z.count(name="details", value=1, level="debug")
        process.stop()
        assert "Traceback" not in process.output
    lines = file.read_text().splitlines()
    assert "calls 42.0 (90.0,)" in lines
    assert not any(line.startswith("details") for line in lines)
    assert lines[-1] == "stopped"


def test_it_is_listed_beside_ours(environment: Mapping[str, str]) -> None:
    arguments = [str(BIN / "twistd"), "zibrato", "--help-backends"]
    with Process(arguments, environment) as process:
        assert process.wait() == 0
        assert "thirdparty: Appends to the file path=FILE\n" in process.output
        for name in ("librato", "log", "memory"):
            assert f"{name}: " in process.output


def test_what_it_refuses_is_one_line(environment: Mapping[str, str]) -> None:
    arguments = [str(BIN / "twistd"), "-n", "--pidfile=", "zibrato", "--backend", "thirdparty"]
    with Process([*arguments, "--socket", "tcp://127.0.0.1:*"], environment) as process:
        assert process.wait() == 1
        assert process.output == (
            "zibrato: --backend thirdparty: path: expected the file to append to; "
            "give thirdparty:path=FILE\n"
        )
