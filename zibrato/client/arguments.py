"""Parse and check an instrument's arguments, whatever objects they are.

An argument may have any type, even one whose `__hash__`, `__eq__`, `__str__` or `__repr__` raises.
This module raises only TypeError or ValueError, and returns only text and numbers of Python's own
types.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from zibrato.client.decorators import full_name
from zibrato.client.outcomes import Exceptions
from zibrato.levels import level_name
from zibrato.model import KINDS, MAX_NAME_LENGTH, MAX_TAGS, Tags

MAX_SHOWN = 100
KEYWORDS = ("level", "mtype", "name", "value", "source", "tags")


class Missing(enum.Enum):
    """Stands for a missing value, because None is a value, though an invalid one."""

    MISSING = "missing"


MISSING = Missing.MISSING
ONE = 1
"""The default increment of a counter; code tests for this very object."""
Names = tuple[str | None, str | None]
"""A name by position, and one by keyword; None if missing. Giving both is an error."""


_PLAIN = (str, int, float, bool, type(None), Missing, type)


class Request(NamedTuple):
    """Checked arguments: a series, without what the client adds, and a value."""

    kind: str
    name: str
    source: str | None
    tags: Tags
    level: str
    value: float | Missing


class Arguments(NamedTuple):
    """Unchecked arguments of an instrument, which may have other types than declared here.

    `mistakes` says what is wrong with the call itself.
    """

    name: str | None
    value: float | Missing
    level: str | int
    mtype: str
    source: str | None
    tags: Mapping[str, str] | None
    mistakes: Sequence[str] = ()
    outcome: bool = False
    exceptions: type[BaseException] | Exceptions = Exception

    @classmethod
    def of_call(
        cls,
        names: Names,
        mtype: str,
        surplus: Sequence[object],
        options: Mapping[str, object],
        keywords: Sequence[str] = KEYWORDS,
    ) -> Arguments:
        """Return the arguments of a call; `surplus` are positional ones without a parameter."""
        return cls(
            names[1] if names[0] is None else names[0],
            options.get("value", MISSING),  # type: ignore[arg-type]  # checked later
            options.get("level", "info"),  # type: ignore[arg-type]  # checked later
            options.get("mtype", mtype),  # type: ignore[arg-type]  # checked later
            options.get("source"),  # type: ignore[arg-type]  # checked later
            options.get("tags"),  # type: ignore[arg-type]  # checked later
            tuple(_mistakes(names, surplus, options, keywords)),
            options.get("outcome", False),  # type: ignore[arg-type]  # checked later
            options.get("exceptions", Exception),  # type: ignore[arg-type]  # checked later
        )

    def for_function(self, function: object) -> Arguments:
        """Return these arguments; if the name is missing, it is the function's."""
        if self.name is None and callable(getattr(function, "__func__", function)):
            return self._replace(name=full_name(function)[-MAX_NAME_LENGTH:])
        return self

    def checked(self) -> Request:
        """Return the checked arguments; raises TypeError or ValueError for invalid ones."""
        try:
            return self._checked()
        except (TypeError, ValueError):
            raise
        except Exception as error:
            raise_if_plain(*self[:6], self.outcome, self.exceptions)
            raise TypeError(f"an argument could not be read: {shown(error)}") from error

    def _checked(self) -> Request:
        if self.mistakes:
            raise TypeError("; ".join(self.mistakes))
        if not isinstance(self.name, str) or not 0 < len(self.name) <= MAX_NAME_LENGTH:
            raise ValueError(
                f"name: expected 1 to {MAX_NAME_LENGTH} characters, got {shown(self.name)}"
            )
        if self.mtype not in KINDS:
            raise ValueError(f"mtype: expected one of {', '.join(KINDS)}, got {shown(self.mtype)}")
        if not isinstance(self.outcome, bool):
            raise TypeError(f"outcome: expected True or False, got {shown(self.outcome)}")
        exceptions(self.exceptions)
        return Request(
            KINDS[KINDS.index(self.mtype)],
            _text(self.name),
            None if self.source is None else source(self.source),
            tags(self.tags),
            level_name(self.level),
            self.value if self.value is MISSING else number(self.value),
        )


def _mistakes(
    names: Names,
    surplus: Sequence[object],
    options: Mapping[str, object],
    keywords: Sequence[str],
) -> Iterator[str]:
    """Yield what Python itself would reject if the instruments' signatures had no `*` and `**`."""
    unknown = sorted(set(options).difference(keywords))
    if unknown:
        yield f"unknown argument {', '.join(unknown)}; expected some of {', '.join(keywords)}"
    if surplus or not any(name is None for name in names):
        yield "too many positional arguments, or name given twice"


def are_plain(*given: object) -> bool:
    """Return whether all have Python's own types, so that reading them runs no foreign code."""
    return all(
        are_plain(*item.keys(), *item.values())
        if type(item) is dict
        else are_plain(*item)
        if type(item) is tuple
        else any(type(item) is plain for plain in _PLAIN)
        for item in given
    )


def raise_if_plain(*given: object) -> None:
    """Raise the current exception again, unless one of the arguments may have raised it.

    It is the host's: a signal handler of the host may raise anywhere, to end what takes too long.
    """
    if are_plain(*given):
        raise  # noqa: PLE0704 - it is called while an exception is handled


def number(value: object) -> float:
    """Return `value` as an int or a float of Python's own; raises TypeError or ValueError."""
    if isinstance(value, int):
        exact: float = int.__index__(value)
    elif isinstance(value, float):
        exact = float.__float__(value)
    else:
        raise TypeError(f"value: expected a number, got {shown(value)}")
    try:
        finite = math.isfinite(exact)
    except OverflowError:  # an int beyond all floats
        finite = False
    if not finite:
        raise ValueError(f"value: expected a finite number, got {shown(value)}")
    return exact


def exceptions(given: object) -> Exceptions:
    """Return the given classes, if `except` would accept them; raises TypeError."""
    kinds = given if isinstance(given, tuple) else (given,)
    if not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
        raise TypeError(f"exceptions: expected a class, or a tuple of classes, got {shown(given)}")
    return tuple(kinds)


def source(given: object) -> str:
    """Return the given source; raises TypeError or ValueError."""
    if not isinstance(given, str):
        raise TypeError(f"source: expected text, got {shown(given)}")
    text = _text(given)
    if len(text) > MAX_NAME_LENGTH:
        raise ValueError(
            f"source: expected at most {MAX_NAME_LENGTH} characters, got {shown(given)}"
        )
    return text


def tags(given: object) -> Tags:
    """Return the pairs of a mapping, sorted, as text; raises TypeError or ValueError."""
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        raise TypeError(f"tags: expected a mapping of text to text, got {shown(given)}")
    pairs = sorted((_text(name), _text(value)) for name, value in given.items())
    if len(pairs) > MAX_TAGS:
        raise ValueError(f"tags: expected at most {MAX_TAGS}, got {len(pairs)}")
    for pair in pairs:
        if not all(0 < len(text) <= MAX_NAME_LENGTH for text in pair):
            raise ValueError(
                f"tags: expected names and values of 1 to {MAX_NAME_LENGTH} characters, "
                f"got {shown(pair)}"
            )
    return tuple(pairs)


def _text(value: object) -> str:
    # Unlike `str` alone, this converts instances of its subclasses to exact strings, too.
    return str.__str__(str(value))


def shown(value: object) -> str:
    """Return a short text for `value` in a message, even if its repr raises."""
    try:
        text = str.__str__(repr(value))
    except Exception:
        return f"an unprintable {type(value).__name__}"
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"
