"""The pages of the documentation, and their code blocks, as the tests take them apart."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.rst"), *ROOT.glob("docs/**/*.rst"), *ROOT.glob("newsfragments/*.rst")]
)
_DIRECTIVE = re.compile(r"( *)\.\. (code-block|literalinclude)::(?: +(\S+))?\n((?:\1   +:.*\n)*)")
_LITERAL = re.compile(r"( *)(?!\.\. ).*::\n")
_NOT_RUN = re.compile(r" *\.\. not run: (.+)\n")


class Block(NamedTuple):
    """A code block of a page; `language` is empty where the page names none.

    `file` is what a literalinclude takes its text from. `not_run` is the reason in the comment
    `.. not run: REASON` on the line above.
    """

    page: Path
    line: int
    language: str
    text: str
    options: str = ""
    file: Path | None = None
    not_run: str = ""

    @property
    def name(self) -> str:
        """Where it is, for people."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    """Generate the code blocks of a page, in order."""
    text = page.read_text()
    end, last = 0, ""
    for number, line in enumerate(text.splitlines(keepends=True)):
        start, end = end, end + len(line)
        if match := _DIRECTIVE.match(text, start):
            before = _NOT_RUN.fullmatch(last)
            reason = before[1] if before else ""
            yield _block(page, number, match, text[match.end() :], reason)
        elif literal := _LITERAL.fullmatch(line):
            yield Block(page, number + 1, "", _body(text[end:], len(literal[1])))
        last = line


def _block(page: Path, number: int, match: re.Match[str], rest: str, reason: str) -> Block:
    indent, directive, argument, options = match.groups()
    if directive == "code-block":
        text = _body(rest, len(indent))
        return Block(page, number + 1, argument or "", text, options, not_run=reason)
    file = (page.parent / argument).resolve()
    language = re.search(r":language: (\S+)", options)
    name = language[1] if language else ""
    return Block(page, number + 1, name, file.read_text(), options, file)


def _body(rest: str, indent: int) -> str:
    """Return the indented lines that `rest` starts with, without their indentation."""
    body = re.match(rf"(?:\n| {{{indent + 1},}}.*\n)*", rest)
    assert body
    return textwrap.dedent(body[0]).strip("\n") + "\n"


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def of(language: str) -> list[Block]:
    """Return the blocks of a language."""
    return [block for block in BLOCKS if block.language == language]


def named(blocks: Sequence[Block]) -> pytest.MarkDecorator:
    """Return the decorator that runs a test for each block."""
    return pytest.mark.parametrize("block", blocks, ids=lambda block: block.name)
