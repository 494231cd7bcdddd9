"""Every code block of the documentation is run, or checked as far as that goes."""

from __future__ import annotations

import configparser
import json
import re
import shutil
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest

from tests.docs.blocks import BLOCKS, PAGES, ROOT, Block, blocks_of, named, of
from tests.docs.options import check_config, check_options

RUNNER = Path(__file__).with_name("page_runner.py")
LANGUAGES = {"python", "console", "json", "ini", "toml", "text", "yaml"}
PRELUDES = {
    "README.rst": "body, page = b'', 'home'\n"
    "from twisted.application.service import Application\n"
    "application = Application('page')\n",
}
"""What a page's blocks take for granted, by page."""


def test_there_are_blocks_on_many_pages() -> None:
    assert len(PAGES) > 30
    assert len(of("python")) >= 20
    assert len(of("console")) > 20


def test_each_language_is_one_that_is_checked_here() -> None:
    others = {block.name: block.language for block in BLOCKS if block.language not in LANGUAGES}
    assert others == {}, "name the language, and give that language a test"


def test_python_compiles() -> None:
    for block in of("python"):
        compile(block.text, block.name, "exec")


PYTHON = [block for block in of("python") if not (block.not_run or block.file)]
RUN = {
    str(page.relative_to(ROOT)): [block.text for block in blocks]
    for page, blocks in groupby(PYTHON, key=lambda block: block.page)
}


@pytest.mark.parametrize("page", RUN)
def test_the_python_blocks_of_a_page_run(page: str, tmp_path: Path) -> None:
    command = [sys.executable, str(RUNNER), PRELUDES.get(page, ""), *RUN[page]]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    tests = re.findall(r"^def (test_\w+)", "\n".join(RUN[page]), re.M)
    assert done.stdout.split() == tests


@named(of("json"))
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


@named(of("yaml"))
def test_yaml_is_what_prometheus_reads(block: Block, tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool isn't installed")
    path = tmp_path / "prometheus.yml"
    path.write_text(block.text)
    subprocess.run(["promtool", "check", "config", path], check=True, capture_output=True)


@named(of("ini"))
def test_ini_has_what_we_know(block: Block) -> None:
    if block.file is not None:  # so it is that file, word by word
        assert block.file.parent == ROOT / "deploy"
        return
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(block.text)
    assert parser.sections() == ["zibrato"], "other files belong in deploy/, and are included"
    lines = [(name, line) for name, text in parser.items("zibrato") for line in text.splitlines()]
    check_options([f"--{name}={line}" for name, line in lines if line])


@named(of("toml"))
def test_toml_has_what_we_know(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "zibrato.toml"
    file.write_text(block.text)
    check_config(file)


@named([block for block in BLOCKS if block.file])
def test_an_included_file_has_the_place_named(block: Block) -> None:
    start = re.search(r":start-at: (.+)", block.options)
    assert start is None or start[1] in block.text


def test_a_literal_block_and_an_unknown_language_would_fail(tmp_path: Path) -> None:
    page = tmp_path / "page.rst"
    page.write_text("Do this::\n\n    x\n\n.. code-block:: cobol\n\n   y\n\nText: a::b\n")
    languages = [(block.language, block.text) for block in blocks_of(page)]
    assert languages == [("", "x\n"), ("cobol", "y\n")]
