"""Librato's language of searches over tags: parse a text to a function that tests tags; pure.

An example is `region=us* and (host=db or not role=web)`. `NAME=VALUE` finds the tag with a value,
in which * is any text. `NAME=!VALUE` finds the tag with another value. `!NAME` finds what lacks the
tag. `NAME!=VALUE` is `not NAME=VALUE`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

MAX_LENGTH = 4096
MAX_DEPTH = 16
Tags = Mapping[str, str]
"""Names and values, in lower case."""
Found = Callable[[Tags], bool]
_TOKEN = re.compile(
    r"""\s*(?:(?P<sign>[()])|(?P<text>!?\s*[-.:\w]+\s*(?:!?=\s*!?\s*
    (?:"[^"]*"|'[^']*'|[-.:\w*?/\\]+))?))""",
    re.A | re.X,
)
_CLAUSE = re.compile(r"([-.:\w]+)\s*(!?=)\s*(!?)\s*(.+)", re.A)
_WORDS = {"and", "or", "not"}


def has(name: str, pattern: str) -> Found:
    """Return a test for a tag whose value matches a pattern."""
    name, pattern = name.lower(), pattern.lower()
    return lambda tags: name in tags and matches(pattern, tags[name])


def has_other(name: str, pattern: str) -> Found:
    """Return a test for a tag whose value doesn't match a pattern."""
    name, pattern = name.lower(), pattern.lower()
    return lambda tags: name in tags and not matches(pattern, tags[name])


def has_not(name: str) -> Found:
    """Return a test for the absence of a tag."""
    name = name.lower()
    return lambda tags: name not in tags


def parse(text: str) -> Found:
    """Parse a text to a test of tags; raises ValueError that says what is not understood."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"it is longer than {MAX_LENGTH} characters")
    return _Parser(_tokens(text)).whole()


class _Parser:
    """A recursive descent parser; `or` binds weaker than `and`, which binds weaker than `not`."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens

    def whole(self) -> Found:
        whole = self._any(0)
        if self._tokens:
            raise ValueError(f"{self._tokens[0]!r} is not understood")
        return whole

    def _any(self, depth: int) -> Found:
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        parts = [self._all(depth)]
        while self._skip("or"):
            parts.append(self._all(depth))
        return lambda tags: any(part(tags) for part in parts)

    def _all(self, depth: int) -> Found:
        parts = [self._one(depth)]
        while self._skip("and"):
            parts.append(self._one(depth))
        return lambda tags: all(part(tags) for part in parts)

    def _one(self, depth: int) -> Found:
        denied = False
        while self._skip("not"):
            denied = not denied
        if self._skip("("):
            part = self._any(depth + 1)
            if not self._skip(")"):
                raise ValueError("a ) is missing")
        else:
            part = self._clause()
        return (lambda tags: not part(tags)) if denied else part

    def _clause(self) -> Found:
        if not self._tokens or self._tokens[0].lower() in _WORDS | {")"}:
            raise ValueError("NAME=VALUE is missing")
        token = self._tokens.pop(0)
        if match := _CLAUSE.fullmatch(token):
            name, sign, other, pattern = match.groups()
            part = (has_other if other else has)(name, pattern.strip("\"'"))
            return part if sign == "=" else (lambda tags: not part(tags))
        if token.startswith("!"):
            return has_not(token[1:].strip())
        raise ValueError(f"{token!r} is not understood; write NAME=VALUE")

    def _skip(self, word: str) -> bool:
        skipped = bool(self._tokens) and self._tokens[0].lower() == word
        if skipped:
            self._tokens.pop(0)
        return skipped


def _tokens(text: str) -> list[str]:
    tokens, end = [], 0
    text = text.rstrip()
    while match := _TOKEN.match(text, end):
        tokens.append((match["sign"] or match["text"]).strip())
        end = match.end()
    if end < len(text):
        raise ValueError(f"{text[end:].strip()[:20]!r} is not understood")
    return tokens


def matches(pattern: str, value: str) -> bool:
    """Return whether a value matches a pattern, in which * is any text.

    Each part between two * is searched for after the previous part, and its first occurrence is
    used: if any occurrence leaves enough for the rest, the first does. This isn't a regular
    expression, because a pattern could make one backtrack for ever.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return value == pattern
    if not value.startswith(first):
        return False
    value = value[len(first) :]
    for part in rest[:-1]:
        position = value.find(part)
        if position < 0:
            return False
        value = value[position + len(part) :]
    return value.endswith(rest[-1])
