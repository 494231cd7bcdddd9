"""Reads a configuration file: TOML, or lines of NAME = VALUE under [zibrato]."""

from __future__ import annotations

import configparser
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from twisted.python import usage

from zibrato.daemon import values
from zibrato.daemon.backend_choices import GivenBackend, Secret, backend_makers, check_type
from zibrato.files.bounded_file import read_bounded
from zibrato.suggestion import suggestion

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_CONFIG = 1 << 20
"""The most bytes of a configuration file."""
BACKEND = "backend"
_KINDS = {str: "a string", bool: "true or false", int: "a number", float: "a number",
          list: "a list", dict: "a table"}  # fmt: skip


class OptionNames(NamedTuple):
    """The names of all options that a file may set, and which of them take which values.

    A list given for one of `lists` becomes an argument for each item; one for `commas` becomes one
    argument with commas.
    """

    names: Collection[str]
    lists: Collection[str]
    commas: Collection[str]
    flags: Collection[str]
    numbers: Collection[str]


class ConfigFile(NamedTuple):
    """What a file sets: names of options, the equivalent arguments, and its backend tables."""

    names: Collection[str] = ()
    arguments: Sequence[str] = ()
    backends: Sequence[GivenBackend] = ()


class ConfigError(usage.UsageError):
    """A file has errors: `problems` has one line for each, and the message has the first."""

    def __init__(self, path: str, problems: Sequence[str]) -> None:
        self.problems = [f"{path}{problem}" for problem in problems]
        more = f" (and {len(problems) - 1} more: zibrato check-config {path})"
        super().__init__(f"--config: {self.problems[0]}{more if len(problems) > 1 else ''}")


def read_config(path: str, options: OptionNames) -> ConfigFile:
    """Return what a file sets, which is TOML if its name ends in `.toml`; raises ConfigError.

    No error contains a value of the file, because a value may be a key.
    """
    is_toml = path.endswith(".toml")
    try:
        # -sig: some editors begin a file with a byte order mark.
        text = read_bounded(path, MAX_CONFIG).decode("utf-8-sig")
        if not text.strip():
            raise usage.UsageError(
                f"--config: {path} is empty, as if it were still being written; for the defaults "
                f"write {'a comment' if is_toml else '[zibrato]'} into it, or leave out --config"
            )
        if is_toml:
            return _of_toml(path, tomllib.loads(text), options)
        return _of_lines(path, _items(text, path), options)
    except OSError as error:
        reason = error.strerror or str(error)
        raise usage.UsageError(f"--config: can't read {path}: {reason}") from None
    except (ValueError, RecursionError, configparser.Error) as error:
        form = "of TOML" if is_toml else "of NAME = VALUE lines under [zibrato]"
        raise usage.UsageError(
            f"--config: can't read {path}: {_reason(error)}; it must be a file {form}"
        ) from None


def _items(text: str, path: str) -> dict[str, list[str]]:
    """Return the lines of each option; raises ValueError and configparser.Error."""
    # Without interpolation, so that a % in a key or a path stands for itself.
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text, path)
    items = parser.items("zibrato")
    return {name: [line for line in value.split("\n") if line] or [""] for name, value in items}


def _reason(error: Exception) -> str:
    """Return one line about the error that quotes nothing from the file: it may be a key."""
    if isinstance(error, configparser.MissingSectionHeaderError):
        return f"line {error.lineno} is under no section"
    if isinstance(error, configparser.ParsingError):
        return f"line {', '.join(str(number) for number, _ in error.errors)} is not NAME = VALUE"
    return " ".join(str(error).split())


def _of_lines(path: str, items: Mapping[str, Sequence[str]], options: OptionNames) -> ConfigFile:
    problems, arguments = [], []
    for name, lines in items.items():
        if name not in options.names:
            problems.append(_unknown(name, options.names))
        elif len(lines) > 1 and name not in options.lists:
            problems.append(
                f" gives {name} {len(lines)} lines; expected one: a line that begins with white "
                "space continues the line above"
            )
        elif name in options.flags and lines[0] not in {"yes", "no"}:
            problems.append(f": {name}: expected yes or no")
        elif name not in options.flags:
            arguments += [f"--{name}={line}" for line in lines]
        elif lines[0] == "yes":
            arguments.append(f"--{name}")
    if problems:
        raise ConfigError(path, problems)
    return ConfigFile(items.keys(), arguments)


def _unknown(name: str, names: Collection[str]) -> str:
    return f" can't set {name[:64]!r}{suggestion(name, names) or '; see --help'}"


def _of_toml(path: str, document: Mapping[str, object], options: OptionNames) -> ConfigFile:
    problems: list[str] = []
    arguments: list[str] = []
    for name, value in document.items():
        if name == BACKEND:
            continue
        if name not in options.names:
            problems.append(_unknown(name, options.names))
            continue
        try:
            arguments += _arguments(name, value, options)
        except ValueError as error:
            problems.append(f": {name}: {error}")
    backends = _tables(document.get(BACKEND, []), problems)
    if problems:
        raise ConfigError(path, problems)
    return ConfigFile(document.keys(), arguments, backends)


def _arguments(name: str, value: object, options: OptionNames) -> list[str]:
    """Return the arguments that set an option; raises ValueError, a half-sentence for people."""
    if name in options.flags:
        if not isinstance(value, bool):
            raise ValueError(f"expected true or false, got {_kind(value)}")
        return [f"--{name}"] if value else []
    if name in options.lists:
        items = value if isinstance(value, list) else [value]
        texts = [item for item in items if isinstance(item, str)]
        if len(texts) < len(items):
            raise ValueError(f'expected strings; write {name} = ["…", "…"]')
        return [f"--{name}={_clean(text)}" for text in texts]
    if isinstance(value, list) and name not in options.commas:
        raise ValueError(f"expected one value, got {_kind(value)}")
    return [f"--{name}={_text(value, numbers=name in options.numbers)}"]


def _tables(value: object, problems: list[str]) -> list[GivenBackend]:
    if not (isinstance(value, list) and all(isinstance(table, dict) for table in value)):
        problems.append(": backend: expected [[backend]], with its settings on the lines below")
        return []
    makers = backend_makers()
    backends = []
    for number, table in enumerate(value, 1):
        where = f": backend {number}"
        kind = table.get("type")
        try:
            if not isinstance(kind, str):
                raise ValueError('expected a type, such as type = "store"')
            check_type(kind, makers)
        except ValueError as error:
            problems.append(f"{where}: type: {error}")
            continue
        settings = {}
        for name, setting in table.items():
            try:
                settings[name] = Secret(_text(setting, numbers=True))
            except ValueError as error:
                problems.append(f"{where} ({kind}): {name}: {error}")
        del settings["type"]
        backends.append(GivenBackend(kind, settings))
    return backends


def _text(value: object, *, numbers: bool) -> str:
    """Return a value as the text that a command line would have; raises ValueError."""
    if isinstance(value, list) and value and not any(isinstance(item, list) for item in value):
        return ",".join(_text(item, numbers=numbers) for item in value)
    if isinstance(value, str):
        return _clean(value)
    if numbers and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if value == []:
        raise ValueError("expected something in the list; leave it out")
    expected = "a string or a number" if numbers else "a string, in quotes"
    raise ValueError(f"expected {expected}, got {_kind(value)}")


def _clean(text: str) -> str:
    values.check_text(text)
    return text


def _kind(value: object) -> str:
    # The only other types of TOML are dates, times, and both together.
    return _KINDS.get(type(value), "a time")
