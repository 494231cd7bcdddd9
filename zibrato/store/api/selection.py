"""Which series a request selects: by source, by tags, or by a term of a composite query; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from zibrato.model import Series
from zibrato.store.api.composite_tree import Selection
from zibrato.store.api.parameters import Parameters
from zibrato.store.api.responses import bad_parameter
from zibrato.store.api.tag_search import Found, has, has_not, has_other, matches, parse

UNASSIGNED = "unassigned"
"""Librato's name for the source of a measurement without a source."""
TAG_PARAMETER = re.compile(r"tags\[(!?[^\]]+)\]")
"""Matches the parameter that selects by a tag, and captures the tag's name."""


def has_source(series: Series) -> bool:
    """Return whether the source API shows a series: as in Librato, not one with only tags."""
    return bool(series.source) or not series.tags


def source_of(series: Series) -> str:
    """Return the source of a series, as Librato calls it."""
    return series.source or UNASSIGNED


def tags_of(series: Series) -> dict[str, str]:
    """Return the tags of a series, including its source."""
    return {**dict(series.tags), **({"source": series.source} if series.source else {})}


def of_term(series: Iterable[tuple[int, Series]], term: Selection) -> Iterator[tuple[int, Series]]:
    """Generate id and series of those that a term of a composite query selects."""
    metric = term.metric.lower()
    tags = [has(name, pattern) for name, pattern in term.tags]
    source = None if term.source is None else term.source.lower()
    for series_id, one in series:
        if (
            matches(metric, one.name.lower())
            and (source is None or matches(source, source_of(one).lower()))
            and (not tags or _has_all(tags, one))
        ):
            yield series_id, one


def source_patterns(params: Parameters) -> list[str]:
    """Return the patterns of requested sources, in lower case; * is any text."""
    asked = [*params.get("sources", ()), *params.get("source", ())]
    return [pattern.lower() for pattern in asked] or ["*"]


def of_sources(series: Mapping[int, Series], params: Parameters) -> Mapping[int, Series]:
    """Return the series of the requested sources, in whose patterns * is any text."""
    patterns = source_patterns(params)
    return {
        series_id: one
        for series_id, one in series.items()
        if has_source(one) and any(matches(pattern, source_of(one).lower()) for pattern in patterns)
    }


def with_tags(series: Mapping[int, Series], params: Parameters) -> dict[int, Series]:
    """Return the series that have the requested tags; raises ApiError.

    `tags[NAME]=VALUE` may be repeated: one of the values must match, and * is any text. If a value
    begins with !, the series must have the tag, with another value. `tags[!NAME]` requires that the
    series doesn't have the tag. `tags_search` is in the language of `tag_search`.
    """
    conditions = [
        condition
        for param, values in params.items()
        if (match := TAG_PARAMETER.fullmatch(param))
        for condition in _conditions(match[1], values)
    ]
    conditions += [_searched(text) for text in params.get("tags_search", ()) if text.strip()]
    return {series_id: one for series_id, one in series.items() if _has_all(conditions, one)}


def _conditions(name: str, values: list[str]) -> list[Found]:
    if name.startswith("!"):
        return [has_not(name[1:])]
    denied = [has_other(name, value[1:]) for value in values if value.startswith("!")]
    wanted = [has(name, value) for value in values if not value.startswith("!")]
    return [*denied, *([lambda tags: any(one(tags) for one in wanted)] if wanted else [])]


def _searched(text: str) -> Found:
    try:
        return parse(text)
    except ValueError as error:
        raise bad_parameter("tags_search", f"is rejected: {error}") from None


def _has_all(conditions: Iterable[Found], series: Series) -> bool:
    lowered = {name.lower(): value.lower() for name, value in tags_of(series).items()}
    return all(condition(lowered) for condition in conditions)
