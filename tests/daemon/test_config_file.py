"""Configuration files in TOML: what they mean, and every error in a line without any value.

Files of lines are in test_options, and odd bytes in tests/commands/test_command_lines.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.python.usage import UsageError

from zibrato.daemon.config_file import ConfigError
from zibrato.daemon.options import Options
from zibrato.daemon.settings import Settings
from zibrato.levels import LevelFilter

WHOLE = """
socket = ["ipc:///a", "ipc:///b"]
levels = ["info", "error"]
flush-interval = 3
percentiles = [50, 99.9]
outbox-size = "2G"
insecure-tcp = true
statsd = "udp:8125"

[[backend]]
type = "store"
path = "/s"
max_stored_series = 7

[[backend]]
type = "librato"
username = "u"
apikey = "verysecret:levels=debug"
levels = "error+"
include = ["web.*", "db.*"]
prefix = "shop."
outbox_size = "8M"
outbox_age = 3600
"""


def options(tmp_path: Path, text: str, *arguments: str) -> Options:
    file = tmp_path / "zibrato.toml"
    file.write_text(text)
    made = Options({})
    made.parseOptions(["--config", str(file), *arguments])
    return made


def settings(tmp_path: Path, text: str, *arguments: str) -> Settings:
    return options(tmp_path, text, *arguments).settings


def test_a_file_says_all_that_a_command_line_does(tmp_path: Path) -> None:
    read = settings(tmp_path, WHOLE)
    assert [endpoint.address for endpoint in read.endpoints] == ["ipc:///a", "ipc:///b"]
    assert read.levels == LevelFilter.parse("info,error")
    assert (read.flush_interval, read.percentiles) == (3, (50, 99.9))
    assert read.insecure_tcp
    assert [address.port for address in read.statsd] == [8125]
    store, librato = read.backends
    assert (store.maker.name, store.settings) == ("store", {"path": "/s", "max_stored_series": "7"})
    assert (store.outbox_size, store.outbox_age) == (2 << 30, 7 * 86_400)
    assert librato.settings["apikey"] == "verysecret:levels=debug"  # nothing is parsed of a value
    assert librato.filter.levels == LevelFilter.parse("error+")
    assert (librato.filter.include, librato.filter.prefix) == (("web.*", "db.*"), "shop.")
    assert (librato.outbox_size, librato.outbox_age) == (8 << 20, 3600)


@pytest.mark.parametrize("text", ["", "\n \n", "\ufeff"])
def test_an_empty_file_says_nothing_but_a_comment_that_all_is_by_default(
    tmp_path: Path, text: str
) -> None:
    with pytest.raises(
        UsageError, match=r"^--config: .*\.toml is empty, as .* write a comment into it, or"
    ):
        settings(tmp_path, text)
    assert settings(tmp_path, f"{text}# by default\n") == settings(tmp_path, "levels = ''")


def test_the_command_line_holds_over_it_and_lists_add_up(tmp_path: Path) -> None:
    more = ("--flush-interval", "5", "--socket", "ipc:///c", "--backend", "log:path=/l")
    read = settings(tmp_path, WHOLE, *more)
    assert read.flush_interval == 5
    assert [endpoint.address for endpoint in read.endpoints] == ["ipc:///a", "ipc:///b", "ipc:///c"]
    assert [choice.maker.name for choice in read.backends] == ["store", "librato", "log"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("leves = 'info'", " can't set 'leves'; did you mean levels?"),
        ("config = 'x'", " can't set 'config'; see --help"),
        ("[zibrato]\nlevels = 'info'", " can't set 'zibrato'; see --help"),
        ("flush-interval = 's'", ": flush-interval: expected seconds from 0.1 to 86,400, got 's'"),
        ("flush-interval = true", ": flush-interval: expected a string or a number, got true or"),
        ("flush-interval = [1]", ": flush-interval: expected one value, got a list"),
        ("levels = []", ": levels: expected something in the list; leave it out"),
        ("ipc-mode = 0o660", ": ipc-mode: expected a string, in quotes, got a number"),
        ("source = 2026-01-01", ": source: expected a string, in quotes, got a time"),
        ("source = 'a\\u0000'".replace("'", '"'), ": source: expected UTF-8 without control"),
        ("insecure-tcp = 'yes'", ": insecure-tcp: expected true or false, got a string"),
        ("socket = 5550", ': socket: expected strings; write socket = ["…", "…"]'),
        ("socket = '5550'", ": socket: expected ipc://PATH, tcp://HOST:PORT"),
        ("backend = 'log'", ": backend: expected [[backend]], with its settings on the lines"),
        ("[backend]\ntype = 'log'", ": backend: expected [[backend]], with its settings on"),
        ("[[backend]]\npath = 'x'", ': backend 1: type: expected a type, such as type = "store"'),
        ("[[backend]]\ntype = 'lgo'", ": backend 1: type: expected one of "),
        ("[[backend]]\ntype = 'log'\npath = {}", ": backend 1 (log): path: expected a string or a"),
        ("[[backend]]\ntype = 'log'\nlevels = 'a,,b'", ": backend log: levels: expected names"),
        ("[[backend]]\ntype = 'log'\noutbox_size = 1", ": backend log: outbox_size: expected byte"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_file_and_key(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    line = str(caught.value)
    assert line.startswith(f"--config: {tmp_path}/zibrato.toml{problem}")
    assert "\n" not in line


def test_all_that_is_wrong_is_there_and_nothing_of_a_secret(tmp_path: Path) -> None:
    text = "leves = 1\napikey = 12345678\n[[backend]]\ntype = 'librato'\napikey = [['verysecret']]"
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, text)
    first, second, third = caught.value.problems
    assert second.endswith(": apikey: expected a string, in quotes, got a number")
    assert third.endswith(
        ": backend 1 (librato): apikey: expected a string or a number, got a list"
    )
    assert (
        str(caught.value)
        == f"--config: {first} (and 2 more: zibrato check-config {tmp_path}/"[:-1]
        + "/zibrato.toml)"
    )


@pytest.mark.parametrize(
    "text", ["a = ", "a = 1\na = 2", 'apikey = "verysecret', "a = " + "[" * 9999]
)
def test_what_is_no_toml_is_said_without_its_lines(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"can't read .*; it must be a file of TOML$") as caught:
        settings(tmp_path, text)
    assert "verysecret" not in str(caught.value)


def test_a_secret_shows_in_no_repr_and_others_should_not_read_the_file(tmp_path: Path) -> None:
    made = options(tmp_path, WHOLE)
    assert "verysecret" not in repr(made) + repr(made.settings)
    assert "--config" in made.secret_files
    assert "--config" not in options(tmp_path, "levels = 'info'").secret_files


def test_an_option_of_the_command_line_is_not_said_to_be_the_files(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--levels: expected names"):
        settings(tmp_path, "levels = 'info'", "--levels", "a,,b")
