"""Level names, their order, and the filter expressions of `--levels`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["ALIASES", "EVERYTHING", "LEVELS", "LevelFilter", "level_name"]

LEVELS = ("debug", "info", "warning", "error", "critical")
ALIASES = {"warn": "warning", "err": "error", "crit": "critical", "fatal": "critical"}
MAX_LEVEL_TEXT = 64
_LABEL = re.compile(r"[a-z0-9_.-]{1,32}\Z")


@lru_cache(maxsize=1024)
def level_name(level: str | int) -> str:
    """Return the canonical name of `level`, which is a name, an alias, a custom label or a number.

    Numbers are those of `logging`: one between two levels means the lower level, and one below
    debug means debug. Names are case-insensitive. Raises ValueError for an invalid label, and
    TypeError for anything but a str or an int.
    """
    if isinstance(level, int):
        return LEVELS[min(max(level // 10, 1), len(LEVELS)) - 1]
    if not isinstance(level, str):
        raise TypeError(f"level: expected a name or a number, got {level!r}")
    # Bounded for the cache: with white space around it, a valid label could be as long as a frame.
    name = level.strip().lower() if len(level) <= MAX_LEVEL_TEXT and level.isascii() else ""
    if not _LABEL.match(name):
        raise ValueError(
            f"level: expected one of {', '.join(LEVELS)}, or a label of at most 32 letters, "
            f"digits and _.- characters, got {level[:MAX_LEVEL_TEXT]!r}"
        )
    return level_name(int(name)) if name.isdigit() else ALIASES.get(name, name)


class LevelFilter(NamedTuple):
    """A filter of levels: those in `names` pass; every level passes if `names` is None."""

    names: frozenset[str] | None = None

    @classmethod
    def parse(cls, expression: str) -> LevelFilter:
        """Parse a comma-separated list of names and thresholds, such as `info,error+`.

        An empty expression passes everything. Raises ValueError for a malformed one.
        """
        if not expression.strip():
            return cls()
        names: set[str] = set()
        for item in expression.split(","):
            label = item.strip()
            try:
                name = level_name(label.removesuffix("+"))
                names.update(_threshold(name) if label.endswith("+") else (name,))
            except ValueError:
                raise ValueError(
                    f"expected names such as info,error, or a threshold of one of "
                    f"{', '.join(LEVELS)} such as warning+, got {expression!r}"
                ) from None
        return cls(frozenset(names))

    def passes(self, level: str) -> bool:
        """Return whether a measurement with the canonical `level` passes."""
        return self.names is None or level in self.names

    @property
    def custom(self) -> list[str]:
        """The labels in `names` that are not standard levels, sorted."""
        return sorted((self.names or frozenset()).difference(LEVELS))

    def __str__(self) -> str:
        if self.names is None:
            return "all"
        return ",".join([name for name in LEVELS if name in self.names] + self.custom)


EVERYTHING = LevelFilter()


def _threshold(name: str) -> tuple[str, ...]:
    if name not in LEVELS:
        raise ValueError(f"{name}: only a standard level has an order")
    return LEVELS[LEVELS.index(name) :]
