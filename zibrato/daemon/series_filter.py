"""Filters and renames the series of a snapshot for one backend."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fnmatch import translate
from functools import lru_cache
from typing import NamedTuple

import msgspec

from zibrato.levels import LevelFilter
from zibrato.model import Series, Snapshot

__all__ = ["ALL", "NAMES", "SeriesFilter"]

NAMES = ("levels", "include", "exclude", "prefix")
"""The settings of every backend that define its filter."""
MAX_PREFIX = 100
"""Characters; a name with the prefix should still be a valid name."""


class SeriesFilter(NamedTuple):
    """Series pass if `levels` has their level, and their name matches `include`, not `exclude`.

    Both are shell-style patterns, of which one has to match; an empty `include` matches every
    name. `prefix` is prepended to the names of series that pass.
    """

    levels: LevelFilter = LevelFilter()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    prefix: str = ""

    @classmethod
    def parse(cls, settings: Mapping[str, str]) -> SeriesFilter:
        """Return the filter that settings define; raises ValueError with one line for people."""
        try:
            levels = LevelFilter.parse(settings.get("levels", ""))
        except ValueError as error:
            raise ValueError(f"levels: {error}") from None
        include, exclude = (_patterns(name, settings) for name in ("include", "exclude"))
        prefix = settings.get("prefix", "")
        if len(prefix) > MAX_PREFIX or not prefix.isprintable():
            raise ValueError(
                f"prefix: expected at most {MAX_PREFIX} characters that print, such as shop., "
                f"got {prefix!r:.{MAX_PREFIX}}"
            )
        return cls(levels, include, exclude, prefix)

    @classmethod
    def of_text(cls, text: str) -> SeriesFilter:
        """Return the filter that has this `text`; raises ValueError if the text is invalid."""
        try:
            return cls.parse(msgspec.json.decode(text, type=dict[str, str]))
        except msgspec.MsgspecError as error:
            raise ValueError(f"not a filter: {error}") from None

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings from which `parse` makes an equal filter."""
        levels = "" if self.levels.names is None else str(self.levels)
        values = (levels, ",".join(self.include), ",".join(self.exclude), self.prefix)
        return {name: value for name, value in zip(NAMES, values, strict=True) if value}

    @property
    def text(self) -> str:
        """The text from which `of_text` makes an equal filter."""
        return msgspec.json.encode(self.settings).decode()

    @property
    def has_names(self) -> bool:
        """Whether names, and not only levels, decide what passes."""
        return bool(self.include or self.exclude)

    def passes(self, series: Series) -> bool:
        """Return whether a series passes."""
        return self.levels.passes(series.level) and (
            not self.has_names or _matcher(self.include, self.exclude)(series.name)
        )

    def part(self, snapshot: Snapshot) -> Snapshot:
        """Return the part of a snapshot that passes, with prefixed names."""
        prefix = self.prefix
        summaries = {
            series._replace(name=prefix + series.name) if prefix else series: summary
            for series, summary in snapshot.summaries.items()
            if self.passes(series)
        }
        return snapshot._replace(summaries=summaries)


ALL = SeriesFilter()


def _patterns(name: str, settings: Mapping[str, str]) -> tuple[str, ...]:
    text = settings.get(name)
    if text is None:
        return ()
    patterns = tuple(filter(None, (part.strip() for part in text.split(","))))
    if not patterns:
        raise ValueError(f"{name}: expected patterns of names such as web.*,db.*, got {text!r}")
    return patterns


@lru_cache(maxsize=64)
def _matcher(include: tuple[str, ...], exclude: tuple[str, ...]) -> Callable[[str], bool]:
    """Return a function that says whether a name passes."""
    included = re.compile("|".join(map(translate, include or ("*",)))).match
    excluded = re.compile("|".join(map(translate, exclude))).match if exclude else None

    return lambda name: bool(included(name)) and not (excluded and excluded(name))
