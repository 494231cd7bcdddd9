"""Convert names and labels to those that Prometheus accepts; pure."""

from __future__ import annotations

import re
from functools import lru_cache

from zibrato.model import COUNTER, TIMER, Series, Tags

__all__ = [
    "SECONDS", "SUFFIXES", "TOTAL", "base_name", "distinct_name", "labels_of", "legal_name",
    "translated",
]  # fmt: skip

TOTAL = "_total"
SECONDS = "_seconds"
SUFFIXES = {COUNTER: TOTAL, TIMER: SECONDS}
"""The suffix that Prometheus's naming conventions give to metrics of a kind."""
_OF_SAMPLES = ("", TOTAL, "_created", "_bucket", "_sum", "_count")
"""The suffixes that the name of a metric may have in its samples."""
_RESERVED = frozenset({"source", "level", "le", "quantile"})
"""Labels that a tag may not have."""
_KNOWN = 10_000
"""How many converted names are remembered."""


@lru_cache(_KNOWN)
def legal_name(name: str) -> str:
    """Return a metric's name with `_` for each illegal character.

    Colons are legal, but Prometheus reserves them for the names that its users' rules make.
    """
    legal = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return f"_{legal}" if legal[0].isdigit() else legal


def base_name(kind: str, name: str) -> str:
    """Return the name of a metric in Prometheus, without the suffix of its kind."""
    suffix = SUFFIXES.get(kind, "")
    legal = legal_name(name)
    return legal.removesuffix(suffix) or legal


def distinct_name(kind: str, base: str, taken: set[str]) -> str:
    """Return the full name of a metric, which must not collide with the names in `taken`.

    Its samples' names are added to `taken`. On a collision, the kind is appended to the name.
    """
    name = f"{base}{SECONDS}" if kind == TIMER else base
    while taken.intersection(f"{name}{suffix}" for suffix in _OF_SAMPLES):
        name = f"{name}_{kind}"
    taken.update(f"{name}{suffix}" for suffix in _OF_SAMPLES)
    return name


@lru_cache(_KNOWN)
def _label(name: str) -> str:
    legal = legal_name(name)
    if legal.startswith("__"):  # Prometheus reserves these names
        legal = f"_{legal.lstrip('_')}"
    return f"exported_{legal}" if legal in _RESERVED else legal


def translated(series: Series) -> Series:
    """Return a series with its names in Prometheus; several series may become the same.

    Its labels are its tags, and source and level. Tags whose names become the same are one label,
    with `;` between their values.
    """
    kind, name, source, tags, level = series
    return Series(kind, base_name(kind, name), source, _legal_tags(tags) if tags else (), level)


def labels_of(series: Series) -> dict[str, str]:
    """Return all labels of a translated series."""
    return {**dict(series.tags), "source": series.source, "level": series.level}


def _legal_tags(tags: Tags) -> Tags:
    labels: dict[str, str] = {}
    for name, value in tags:
        label = _label(name)
        labels[label] = f"{labels[label]};{value}" if label in labels else value
    return tuple(sorted(labels.items()))
