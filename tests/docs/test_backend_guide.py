"""The guide to backends, as files of a package: the daemon finds it and its options."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, blocks_of

PROGRAM = """
import json, sys
from zibrato.daemon.options import Options
options = Options({})
options.parseOptions(sys.argv[1:])
print(json.dumps([
    [type(choice.maker.make(choice.settings, None)).__name__, dict(choice.settings)]
    for choice in options.settings.backends
]))
"""


def files(maker: str) -> dict[str, str]:
    """Return the files of the guide by path, with the plugin that has this kind of maker."""
    made = {}
    for block in blocks_of(ROOT / "docs/howto/write_a_backend.rst"):
        path = re.search(r":caption: (\S+)", block.options)
        if path and (maker in block.text or "plugins" not in path[1]):
            made[path[1]] = block.text
    return made


def parsed(directory: Path, maker: str, *options: str) -> object:
    """Return the backends that a daemon with the package would have, and their settings."""
    for name, text in files(maker).items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environment = {"PYTHONPATH": f"{directory}:{ROOT}", "HOME": str(directory), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *options],
        check=True,
        env=environment,
        cwd=directory,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("maker", ["BackendMaker", "ConfiguredMaker"])
def test_a_daemon_finds_it(maker: str, tmp_path: Path) -> None:
    options = ("--backend", "acme:path=FILE:levels=error")
    implied = {"key": ""} if maker == "ConfiguredMaker" else {}
    assert parsed(tmp_path, maker, *options) == [["Acme", {**implied, "path": "FILE"}]]


def test_its_own_option_asks_for_it(tmp_path: Path) -> None:
    options = ("--acme-file", "FILE", "--acme-key", "secret")
    expected = [["Acme", {"path": "FILE", "key": "secret"}]]
    assert parsed(tmp_path, "ConfiguredMaker", *options) == expected
