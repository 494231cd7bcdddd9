"""Librato's language of composite metrics, its core: a query to a tree, a tree to series; pure.

A function takes one set, which is a function's or a list such as `[a, b]`, and options.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from zibrato.store.api.composite_functions import (
    FUNCTIONS,
    Function,
    Options,
    SeriesSet,
    number,
)

MAX_LENGTH = 4096
MAX_DEPTH = 16
MAX_SELECTIONS = 100
MAX_SERIES = 1000
SUMMARIES = ("mean", "sum", "min", "max", "count")
_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>"[^"]*"|'[^']*')|(?P<word>[-+.\w]+)|(?P<sign>[][(){},:])""", re.A
)


class Selection(NamedTuple):
    """The series that are asked for: patterns, in which * is anything, and how to sum them up."""

    metric: str
    source: str
    function: str | None = None
    period: int | None = None


class Call(NamedTuple):
    """A function of the series of all `sets` together; of a list, the one that changes nothing."""

    function: Function
    sets: tuple[Node, ...]


Node = Selection | Call


def parse(text: str) -> Node:
    """Return the tree of a query; a ValueError says what is not understood."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"it is longer than {MAX_LENGTH} characters")
    node = _Parser(text).whole()
    if sum(1 for _ in selections(node)) > MAX_SELECTIONS:
        raise ValueError(f"it has more than {MAX_SELECTIONS} of series()")
    return node


def selections(node: Node) -> Iterator[Selection]:
    """Generate all selections of a tree, as often as they are in it."""
    if isinstance(node, Selection):
        yield node
    else:
        for inner in node.sets:
            yield from selections(inner)


def evaluate(node: Node, selected: Mapping[Selection, SeriesSet]) -> SeriesSet:
    """Return the series of a tree, given those of its selections; only what is finite."""
    if isinstance(node, Selection):
        return selected[node]
    return node.function([series for inner in node.sets for series in evaluate(inner, selected)])


class _Parser:
    """A parser by recursive descent: a method for each rule, which begins at the current token."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._advance()

    def whole(self) -> Node:
        node = self._set(0)
        self._take("end", "the end")
        return node

    def _set(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        if self._skip("["):
            return self._list(depth)
        name = self._take("word", "a function or [")
        if name not in {"s", "series"} and name not in FUNCTIONS:
            names = ", ".join(("s", "series", *FUNCTIONS))
            raise ValueError(f"{name!r} is not understood; the functions are {names}")
        self._sign("(")
        return self._call(name, depth) if name in FUNCTIONS else self._selection()

    def _list(self, depth: int) -> Node:
        sets = [self._set(depth + 1)]
        while self._skip(","):
            sets.append(self._set(depth + 1))
        self._sign("]")
        return Call(list, tuple(sets))

    def _call(self, name: str, depth: int) -> Node:
        inner = self._set(depth + 1)
        options = self._rest()
        function = FUNCTIONS[name](options)
        _reject_unknown(name, options)
        return Call(function, (inner,))

    def _selection(self) -> Node:
        metric = self._take("text", "a metric in quotes")[1:-1]
        self._sign(",")
        source = self._take("text", "a source in quotes")[1:-1]
        if "%" in source:
            raise ValueError("source '%' is not understood outside of a dashboard; write '*'")
        options = self._rest()
        function = options.pop("function", None)
        if function not in {None, *SUMMARIES}:
            raise ValueError(f"function {function!r} is none of {', '.join(SUMMARIES)}")
        period = int(number(options, "period", "", 1, 1e9)) if "period" in options else None
        _reject_unknown("series", options)
        return Selection(metric, source, function, period)

    def _rest(self) -> Options:
        """Return the options before the closing parenthesis, past which it goes."""
        options: Options = {}
        if self._skip(","):
            self._sign("{")
            while not options or self._skip(","):
                name = self._take("word", "the name of an option")
                self._sign(":")
                kind = "word" if self._kind == "word" else "text"
                options[name] = self._take(kind, "a value in quotes").strip("\"'")
            self._sign("}")
        self._sign(")")
        return options

    def _take(self, kind: str, expected: str) -> str:
        if self._kind != kind:
            raise ValueError(
                f"expected {expected} at {self._start + 1}, got {self._value or 'end'}"
            )
        value = self._value
        self._advance()
        return value

    def _sign(self, sign: str) -> None:
        # No token is of the kind "", so that another sign is what was not expected.
        self._take("sign" if self._value == sign else "", sign)

    def _skip(self, sign: str) -> bool:
        skipped = self._kind == "sign" and self._value == sign
        if skipped:
            self._advance()
        return skipped

    def _advance(self) -> None:
        self._kind, self._value, self._start = next(self._tokens)


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    end = 0
    while match := _TOKEN.match(text, end):
        if match.lastgroup != "space":
            yield str(match.lastgroup), match[0], end
        end = match.end()
    if end < len(text):
        raise ValueError(f"{text[end : end + 20]!r} at {end + 1} is not understood")
    while True:  # the parser looks one token past the last
        yield "end", "", end


def _reject_unknown(name: str, options: Options) -> None:
    if options:
        raise ValueError(f"option {next(iter(options))!r} of {name} is not understood")
