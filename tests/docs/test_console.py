"""Every command of the documentation is one that there is, with options that there are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pytest
from twisted.python import usage

from tests.docs.blocks import ROOT, of
from tests.docs.options import check_options
from zibrato.commands.keygen import _parser as keygen_parser
from zibrato.shell import send, timed
from zibrato.store.backup import _parser as backup_parser
from zibrato.store.export import main as export
from zibrato.terminal.status import _parser as status_parser
from zibrato.terminal.top import _parser as top_parser

FOLDERS = {"benchmarks", "deploy", "docs", "examples", "tests", "zibrato"}
ENDS = {";", "&&", "|", "||"}
PROGRAMS = {
    *(".", "celery", "curl", "echo", "flask", "git", "gunicorn", "install", "make", "pip"),
    *("pre-commit", "promtool"),
    *(
        "python",
        "python3",
        "rm",
        "runuser",
        "scp",
        "ssh",
        "supervisorctl",
        "systemctl",
        "systemd-tmpfiles",
        "towncrier",
        "twine",
        "twistd",
        "useradd",
    ),
    *("true", "uvicorn", "zibrato"),
}
"""What console blocks run; a program that is not here needs a line, or a check of its own."""

PARSERS = {
    "backup": backup_parser,
    "keygen": keygen_parser,
    "send": send._parser,
    "status": status_parser,
    "top": top_parser,
}
"""Commands of `zibrato` whose arguments one parser checks."""

COMMANDS = {
    str(page.relative_to(ROOT)): [
        command
        for block in blocks
        for command in re.findall(r"^\$ ((?:.*\\\n)*.*)$", block.text, re.M)
    ]
    for page, blocks in groupby(of("console"), key=lambda block: block.page)
}


def test_a_console_block_begins_with_a_command() -> None:
    assert [block.name for block in of("console") if not block.text.startswith("$ ")] == []


@pytest.mark.parametrize("page", COMMANDS)
def test_a_command_is_one_that_there_is(page: str) -> None:
    for command in COMMANDS[page]:
        check(command)


@pytest.mark.parametrize(
    "wrong",
    [
        "zibrato --nonsense 1",
        "zibrato --backend nonsense",
        "zibrato word",
        "zibrato export shop.pages --nonsense",
        "zibrato send counter",
        "zibrato status --nonsense",
        "zibrato time build",
        "ZIBRATO_OPTIONS='--nonsense' twistd -n -y zibrato.tac",
        "twistd -n zibrto",
        "twistd -n zibrato --nonsense",
        "python -m zibrato.workers.librato --nonsense",
        "cd there; zibrato",
        "make nonsense",
        "python examples/nonsense.py",
    ],
)
def test_a_wrong_command_fails(wrong: str) -> None:
    with pytest.raises((usage.UsageError, AssertionError, SystemExit)):
        check(wrong)


def check(command: str) -> None:
    """Check a line of shell."""
    for words in simple_commands(command):
        program = words[0] if words[0] == "." else Path(words[0]).name
        assert program in PROGRAMS
        check_files(words)
        if program == "make":
            check_targets(words[1:])
        elif program == "runuser":
            check_zibrato("zibrato", words[words.index("zibrato", words.index("--")) + 1 :])
        elif program in {"python", "twistd", "zibrato"}:
            check_zibrato(program, words[1:])


def simple_commands(command: str) -> Iterator[list[str]]:
    """Generate the simple commands of a line of shell, as words, without loops and variables."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    for is_end, group in groupby(lexer, key=lambda word: word in ENDS):
        words = list(group)
        if ">" in words:
            del words[words.index(">") :]
        while words and (words[0] in {"do", "done"} or re.match(r"[A-Z_]+=", words[0])):
            check_variable(words.pop(0))
        if words and not is_end and words[0] != "for":
            yield words


def check_variable(word: str) -> None:
    """Check the options that a variable holds."""
    name, _, value = word.partition("=")
    if name == "ZIBRATO_OPTIONS":
        check_options(shlex.split(value))


def check_files(words: Sequence[str]) -> None:
    """Check that the repository has the files that are named by their path in it."""
    for word in words:
        if "/" in word and word.split("/")[0] in FOLDERS:
            assert (ROOT / word).exists(), word


def check_targets(targets: Sequence[str]) -> None:
    """Check that the Makefile has these targets."""
    makefile = (ROOT / "Makefile").read_text()
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), target


def check_zibrato(program: str, words: Sequence[str]) -> None:
    """Check the arguments of a program that may be the daemon, or `zibrato export`."""
    if program == "zibrato":
        arguments: Sequence[str] | None = words
    else:
        names = ("zibrato", "zibrato.workers.librato", "zibrato/workers/librato.py")
        places = [index for index, word in enumerate(words) if word in names]
        arguments = words[places[0] + 1 :] if places else None
        assert places or program != "twistd" or "-y" in words
    if arguments is None:
        return
    command, rest = next(iter(arguments), ""), arguments[1:]
    if command in PARSERS:
        PARSERS[command]().parse_args(rest)
    elif command == "export":
        check_export(rest)
    elif command == "time":
        timed._parse(rest)
    elif command == "check-config":
        assert len(rest) == 1
    elif command != "--version":
        check_options(arguments)


def check_export(arguments: Sequence[str]) -> None:
    """Check the arguments of `zibrato export`, for a store that is not there."""
    missing = str(ROOT / "no.sqlite")
    with pytest.raises(SystemExit, match=f"there is no {missing}"):
        export([*arguments, "--store", missing])
