"""Which series a request is about: of a source, with tags, of a term of a composite query; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from zibrato.model import Series
from zibrato.store.api.composite_query import Selection
from zibrato.store.api.requests import Parameters
from zibrato.store.api.responses import bad_parameter

UNASSIGNED = "unassigned"
"""What Librato calls the source of a measurement that names none."""
_TAG = re.compile(r"tags\[([^\]]+)\]")
_CLAUSE = re.compile(r"(not\s+)?([-.:\w]+)\s*(!?=)\s*\"?([-.:\w*?/\\]+)\"?", re.I | re.A)


class Clause(NamedTuple):
    """A tag, in lower case, has a value that matches one of the patterns; or none, if unwanted."""

    tag: str
    patterns: list[str]
    wanted: bool = True


def has_source(series: Series) -> bool:
    """Whether the source API shows a series: Librato showed there nothing that has but tags."""
    return bool(series.source) or not series.tags


def source_of(series: Series) -> str:
    """Return what Librato calls the source of a series."""
    return series.source or UNASSIGNED


def tags_of(series: Series) -> dict[str, str]:
    """Return the tags of a series, its source being one."""
    return {**dict(series.tags), **({"source": series.source} if series.source else {})}


def of_term(series: Mapping[int, Series], term: Selection) -> dict[int, Series]:
    """Return the series that a term of a composite query selects."""
    metric, source = term.metric.lower(), term.source.lower()
    return {
        series_id: one
        for series_id, one in series.items()
        if has_source(one)
        and matches(metric, one.name.lower())
        and matches(source, source_of(one).lower())
    }


def of_sources(series: Mapping[int, Series], params: Parameters) -> Mapping[int, Series]:
    """Return the series of the sources that are asked for, in which * is anything."""
    patterns = [
        pattern.lower() for param in ("sources", "source") for pattern in params.get(param, ())
    ]
    patterns = patterns or ["*"]
    return {
        series_id: one
        for series_id, one in series.items()
        if has_source(one) and any(matches(pattern, source_of(one).lower()) for pattern in patterns)
    }


def with_tags(series: Mapping[int, Series], params: Parameters) -> dict[int, Series]:
    """Return the series that have the tags which are asked for.

    `tags[NAME]=VALUE` takes several values, * being anything; `tags_search` is NAME=VALUE,
    NAME!=VALUE or `not NAME=VALUE`, several joined with `and`.
    """
    clauses = [
        Clause(match[1].lower(), [value.lower() for value in values])
        for param, values in params.items()
        if (match := _TAG.fullmatch(param))
    ]
    clauses += _searched(" and ".join(params.get("tags_search", [])))
    return {
        series_id: one for series_id, one in series.items() if all(_fits(one, c) for c in clauses)
    }


def _fits(series: Series, clause: Clause) -> bool:
    tags = {tag.lower(): value.lower() for tag, value in tags_of(series).items()}
    value = tags.get(clause.tag, "")
    return any(matches(pattern, value) for pattern in clause.patterns) == clause.wanted


def _searched(text: str) -> list[Clause]:
    clauses = []
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.I) if text.strip() else ():
        match = _CLAUSE.fullmatch(part.strip())
        if not match:
            raise bad_parameter(
                "tags_search", f"{part!r} is not understood; write NAME=VALUE and …"
            )
        # `not NAME!=VALUE` denies twice.
        wanted = bool(match[1]) == (match[3] == "!=")
        clauses.append(Clause(match[2].lower(), [match[4].lower()], wanted))
    return clauses


def matches(pattern: str, value: str) -> bool:
    """Whether a value fits a pattern, in which * is anything.

    Each part between two * is looked for behind the one before, at its first place: where any
    place leaves enough for the rest, the first one does. No regular expression, which a pattern
    could make go back and forth for ever.
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
