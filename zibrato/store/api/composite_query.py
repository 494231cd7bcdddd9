"""Parse Librato's language of composite metrics to a tree; pure.

A function takes options and one set. The set is the result of a function, or a list such as `[a,
b]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from zibrato.model import Tags
from zibrato.store.api.composite_functions import FUNCTIONS
from zibrato.store.api.composite_series import Options, choice, number
from zibrato.store.api.composite_tree import (
    MAX_SELECTIONS,
    PLACE,
    SOURCE,
    Call,
    Grouped,
    Mapped,
    Node,
    Selection,
    Shifted,
    selections,
)
from zibrato.unit_suffixes import SECONDS

MAX_LENGTH = 4096
MAX_DEPTH = 16
MAX_SHIFT = 10 * 365 * 86400
SUMMARIES = ("mean", "sum", "min", "max", "count")
UNITS = {unit: SECONDS[unit] for unit in "smhdw"}
"""The units of timeshift(), in seconds."""
OTHERS = ("s", "series", "map", "group_by", "timeshift")
"""The functions whose arguments are not just a set and options."""
_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>"[^"]*"|'[^']*')|(?P<word>[-+.\w]+)|(?P<sign>[][(){},:])""", re.A
)
_SHIFTS = re.compile(r"\s*([-+]?\d{1,9}(?:\s*,\s*[-+]?\d{1,9})*)\s*([a-z]?)\s*")


def parse(text: str) -> Node:
    """Parse a query to a tree; raises ValueError that says what is not understood."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"it is longer than {MAX_LENGTH} characters")
    node = _Parser(text).whole()
    if sum(1 for _ in selections(node)) > MAX_SELECTIONS:
        raise ValueError(f"it calls series() more than {MAX_SELECTIONS} times")
    return node


class _Parser:
    """A recursive descent parser: each rule has a method, which begins at the current token."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._maps: list[str] = []
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
        if name not in OTHERS and name not in FUNCTIONS:
            names = ", ".join((*OTHERS, *FUNCTIONS))
            raise ValueError(f"{name!r} is not understood; the functions are {names}")
        self._sign("(")
        if name in FUNCTIONS:
            return self._call(name, depth)
        if name in {"s", "series"}:
            return self._selection()
        return self._map(depth) if name == "map" else self._repeating(name, depth)

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

    def _map(self, depth: int) -> Node:
        """Parse the arguments of map(): `{source: "web*"}` or `{metric: "cpu.*"}`, and a set."""
        options = self._options()
        what = next(iter(options), "")
        if what not in {SOURCE, "metric"} or len(options) > 1 or what in self._maps:
            raise ValueError(
                "map: expected {source: PATTERN} or {metric: PATTERN}, not inside another of its "
                f"kind, got {', '.join(options) or 'nothing'}"
            )
        self._sign(",")
        self._maps.append(what)
        inner = self._set(depth + 1)
        self._maps.remove(what)
        self._sign(")")
        if all(getattr(term, what) != PLACE for term in selections(inner)):
            raise ValueError(f'map: expected "{PLACE}" as the {what} of an s() within')
        return Mapped("source" if what == SOURCE else "metric", options[what], inner)

    def _repeating(self, name: str, depth: int) -> Node:
        text = self._text(f"what to {name} in quotes")
        self._sign(",")
        inner = self._set(depth + 1)
        self._sign(")")
        return (
            Shifted(_shifts(text), inner) if name == "timeshift" else Grouped(_names(text), inner)
        )

    def _selection(self) -> Node:
        metric = self._place("metric", self._text("a metric in quotes"))
        self._sign(",")
        source, tags = self._source()
        options = self._rest()
        function = options.pop("function", None)
        if function not in {None, *SUMMARIES}:
            raise ValueError(f"function {function!r} is none of {', '.join(SUMMARIES)}")
        period = int(number(options, "period", "", 1, 1e9)) if "period" in options else None
        grouped = choice(options, "group", "true", ("true", "false")) == "true"
        _reject_unknown("series", options)
        return Selection(metric, source, tags, function, period, grouped)

    def _source(self) -> tuple[str | None, Tags]:
        """Parse a pattern of sources, or names and patterns of tags; return both."""
        if self._kind == "sign" and self._value == "{":
            tags = self._options(may_be_empty=True)
            for name, pattern in tags.items():
                _reject_dynamic(f"tag {name}", pattern)
            return None, tuple(sorted((name.lower(), value) for name, value in tags.items()))
        source = self._text('a source in quotes, or tags such as {host: "*"},')
        _reject_dynamic("source", source)
        return self._place(SOURCE, source), ()

    def _place(self, what: str, pattern: str) -> str:
        """Return a pattern; `&` is allowed only alone, and only in a map() over the same kind."""
        if PLACE in pattern and (pattern != PLACE or what not in self._maps):
            raise ValueError(
                f"{what} {pattern!r}: {PLACE} stands alone, within map({{{what}: PATTERN}}, ...)"
            )
        return pattern

    def _rest(self) -> Options:
        """Parse the options before a closing parenthesis, and the parenthesis."""
        options = self._options() if self._skip(",") else {}
        self._sign(")")
        return options

    def _options(self, may_be_empty: bool = False) -> Options:
        """Parse names and values in braces."""
        options: Options = {}
        self._sign("{")
        if may_be_empty and self._skip("}"):
            return options
        while not options or self._skip(","):
            name = self._either("the name of an option")
            if name in options:
                raise ValueError(f"{name} is given twice")
            self._sign(":")
            options[name] = self._either("a value in quotes")
        self._sign("}")
        return options

    def _either(self, expected: str) -> str:
        """Parse a word or a quoted text; return it without quotes."""
        return self._take("word", expected) if self._kind == "word" else self._text(expected)

    def _text(self, expected: str) -> str:
        return self._take("text", expected)[1:-1]

    def _take(self, kind: str, expected: str) -> str:
        if self._kind != kind:
            raise ValueError(
                f"expected {expected} at {self._start + 1}, got {self._value or 'end'}"
            )
        value = self._value
        self._advance()
        return value

    def _sign(self, sign: str) -> None:
        # No token is of the kind "", so any other sign is reported as unexpected.
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
    while True:  # the parser looks ahead by one token
        yield "end", "", end


def _shifts(text: str) -> tuple[int, ...]:
    """Parse a text such as `0,1w` to seconds into the past; a number with + is in the future."""
    match = _SHIFTS.fullmatch(text)
    unit = UNITS.get(match[2]) if match else None
    if not match or (unit is None and match[1] != "0"):
        raise ValueError(
            f"timeshift: expected numbers and one of {', '.join(UNITS)}, such as 0,1w, got {text!r}"
        )
    parts = [part.strip() for part in match[1].split(",")]
    shifts = tuple(-int(part) if part[0] == "+" else abs(int(part)) for part in parts)
    seconds = tuple(shift * (unit or 0) for shift in shifts)
    if max(map(abs, seconds)) > MAX_SHIFT:
        raise ValueError(f"timeshift: expected 10 years at most, got {text!r}")
    return seconds


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise ValueError(f"group_by: expected names of tags with commas between, got {text!r}")
    return names


def _reject_dynamic(what: str, pattern: str) -> None:
    if "%" in pattern:
        raise ValueError(f"{what} '%' is not understood outside of a dashboard; write '*'")


def _reject_unknown(name: str, options: Options) -> None:
    if options:
        raise ValueError(f"option {next(iter(options))!r} of {name} is not understood")
