"""The README's table of options is that of the program; every file that a page names is there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import cast

from tests.docs.blocks import PAGES, ROOT
from zibrato.daemon.options import Options
from zibrato.endpoint import DEFAULT_SOCKET

README = (ROOT / "README.rst").read_text()
TABLE = README.partition(".. options begin")[2].partition(".. options end")[0]
ROWS = re.findall(r"^``--([a-z-]+)``(?:, ``-([a-z])``)? +(.*)$", TABLE, re.M)
DEFAULTS = {
    "socket": DEFAULT_SOCKET,
    "levels": "all",
    "source": "the host name",
    "backend": "librato or store",
    "outbox": "beside the store",
    "web": "tcp:5580, on loopback",
}
"""What the table says of options whose default depends on something."""
WORDS = re.compile(r"``((?:docs|deploy|examples|tests|benchmarks|zibrato|twisted)/[\w./-]+)``")


def test_the_table_has_every_option_and_no_other() -> None:
    assert [name for name, _, _ in ROWS] == list(dict.fromkeys(name for name, _, _ in ROWS))
    assert {name for name, _, _ in ROWS} == set(Options({}))


def test_the_short_forms_are_there() -> None:
    parameters = cast("Iterable[list[str | None]]", Options.optParameters)
    shorts = {row[0]: row[1] for row in parameters}
    assert [name for name, short, _ in ROWS if short] == ["username", "apikey"]
    assert all(shorts[name] == short for name, short, _ in ROWS if short)


def test_the_defaults_are_those_of_the_program() -> None:
    defaults = {**Options({}), **DEFAULTS}
    for name, _, rest in ROWS:
        column = re.split(r" {2,}", rest)[0] if len(re.split(r" {2,}", rest)) > 1 else ""
        assert column.replace("`", "") == (defaults[name] or ""), name
    options = Options({})
    options.parseOptions([])
    assert options.settings.web == "tcp:5580:interface=127.0.0.1"


def test_the_files_that_pages_name_are_there() -> None:
    for page in PAGES:
        text = page.read_text()
        for name in WORDS.findall(text):
            assert (ROOT / name).exists(), (page, name)
        for image in re.findall(r"\.\. image:: (\S+)", text):
            assert (page.parent / image).exists(), (page, image)


def test_top_level_files_that_the_readme_names_are_there() -> None:
    for name in re.findall(r"``([A-Z]+\.rst|LICENSE|zibrato\.tac)``", README):
        assert (ROOT / name).exists(), name
