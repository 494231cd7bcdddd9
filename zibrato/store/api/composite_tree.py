"""The tree of a composite query: its nodes, its expansion, and its evaluation; pure.

`expanded` converts a tree to one that has only selections and calls: what is repeated for metrics,
sources, sets of tags or shifts in time is in the expanded tree each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Literal, NamedTuple

from zibrato.model import Series, Tags
from zibrato.store.api.composite_series import Function, SeriesSet

MAX_SELECTIONS = 100
MAX_EXPANDED = 1000
PLACE = "&"
"""Stands for the current metric or source of a map."""
METRIC = ""
"""The metric's name among the names in `within`; the name of a tag is never empty."""
SOURCE: Literal["source"] = "source"
_COUNTED = "series(), map(), group_by() and timeshift()"


class Selection(NamedTuple):
    """Selects series by patterns, in which * is any text, and says how to summarize them.

    `source` is None if the selection is by `tags`. Of the matching series, only those are taken
    that have all names and values in `within`. Their points are read from `shift` seconds before
    the query's time range.
    """

    metric: str
    source: str | None = None
    tags: Tags = ()
    function: str | None = None
    period: int | None = None
    grouped: bool = True
    within: Tags = ()
    shift: int = 0


class Call(NamedTuple):
    """A function of the series of all `sets` together; a list is a call that changes nothing."""

    function: Function
    sets: tuple[Node, ...]


class Mapped(NamedTuple):
    """A set for each metric or source that matches a pattern; `&` stands for it in `inner`."""

    what: Literal["metric", "source"]
    pattern: str
    inner: Node


class Grouped(NamedTuple):
    """A set for each combination of values of some tags."""

    tags: tuple[str, ...]
    inner: Node


class Shifted(NamedTuple):
    """A set for each of several shifts, in seconds into the past."""

    shifts: tuple[int, ...]
    inner: Node


Node = Selection | Call | Mapped | Grouped | Shifted
Find = Callable[[Selection], Mapping[int, Series]]
"""Finds the series that match a selection, regardless of its `within`."""


def selections(node: Node) -> Iterator[Selection]:
    """Generate all selections of a tree, also repeated ones; `&` becomes a map's pattern."""
    if isinstance(node, Selection):
        yield node
    elif isinstance(node, Call):
        for inner in node.sets:
            yield from selections(inner)
    else:
        for term in selections(node.inner):
            yield placed(term, node) if isinstance(node, Mapped) else term


def placed(term: Selection, node: Mapped, within: Tags = ()) -> Selection:
    """Replace `&` in a selection by the pattern of a map, and restrict it by `within`."""
    if getattr(term, node.what) != PLACE:
        return term
    within = (*term.within, *within)
    if node.what == SOURCE:
        return term._replace(source=node.pattern, within=within)
    return term._replace(metric=node.pattern, within=within)


def evaluate(
    node: Node, selected: Mapping[Selection, SeriesSet], raise_if_ended: Callable[[], None]
) -> SeriesSet:
    """Return the series, with finite values, of an expanded tree, from those of its selections."""
    raise_if_ended()
    if isinstance(node, Selection):
        return selected[node]
    assert isinstance(node, Call)  # noqa: S101 - an expanded tree has no other nodes
    sets = [evaluate(inner, selected, raise_if_ended) for inner in node.sets]
    return node.function([series for series_set in sets for series in series_set])


def expanded(node: Node, find: Find, raise_if_ended: Callable[[], None]) -> Node:
    """Expand what a tree repeats, so that each repetition is in it; raises ValueError."""
    return _Expansion(find, raise_if_ended).of(node)


class _Expansion:
    """Expands a tree, and counts its nodes."""

    def __init__(self, find: Find, raise_if_ended: Callable[[], None]) -> None:
        self._find = find
        self._raise_if_ended = raise_if_ended
        self._count = 0

    def of(self, node: Node) -> Node:
        if isinstance(node, Call):
            return Call(node.function, tuple(self.of(inner) for inner in node.sets))
        self._raise_if_ended()
        # Repeating nodes are counted, too: they may expand to no series() at all, if nothing
        # matches. Calls are not: they nest no deeper than the query, and each contains something
        # that is counted.
        self._count += 1
        if self._count > MAX_EXPANDED:
            raise ValueError(f"it expands to more than {MAX_EXPANDED} calls of {_COUNTED}")
        if isinstance(node, Selection):
            return node
        if isinstance(node, Shifted):
            return Call(list, tuple(self.of(_shifted(node.inner, by)) for by in node.shifts))
        return self._mapped(node) if isinstance(node, Mapped) else self._grouped(node)

    def _mapped(self, node: Mapped) -> Node:
        """Return a call with a set for each metric or source, restricted to it, in order."""
        key = SOURCE if node.what == SOURCE else METRIC
        names = {
            name
            for term in selections(node.inner)
            if getattr(term, node.what) == PLACE
            for name in self._values(placed(term, node), (key,))
        }
        return Call(list, tuple(self.of(_placed_at(node, key, name)) for (name,) in sorted(names)))

    def _grouped(self, node: Grouped) -> Node:
        """Return a call with a set for each group of values; its series get these as tags."""
        terms = [term for term in selections(node.inner) if term.grouped]
        groups = {values for term in terms for values in self._values(term, node.tags)}
        calls = []
        for values in sorted(groups):
            group = tuple(zip(node.tags, values, strict=True))
            inner = _changed(node.inner, partial(_in_group, group=group))
            calls.append(Call(_tagged(group), (self.of(inner),)))
        return Call(list, tuple(calls))

    def _values(self, term: Selection, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Generate the values of these names, for the selected series that have all of them."""
        self._raise_if_ended()
        for series in self._find(term).values():
            if is_within(series, term.within):
                values = tuple(value_of(series, name) for name in names)
                if all(values):
                    yield tuple(value.lower() for value in values)


def value_of(series: Series, name: str) -> str:
    """Return a series' metric, its source, or the value of a tag; "" if it has none."""
    if name == METRIC:
        return series.name
    if name == SOURCE:
        return series.source or dict(series.tags).get(SOURCE, "")
    return next((value for tag, value in series.tags if tag.lower() == name), "")


def is_within(series: Series, within: Tags) -> bool:
    """Return whether a series has all these values, in any case."""
    return all(value_of(series, name).lower() == value for name, value in within)


def _changed(node: Node, change: Callable[[Selection], Selection]) -> Node:
    """Return a tree with each selection changed."""
    if isinstance(node, Selection):
        return change(node)
    if isinstance(node, Call):
        return Call(node.function, tuple(_changed(inner, change) for inner in node.sets))
    return node._replace(inner=_changed(node.inner, change))


def _shifted(node: Node, by: int) -> Node:
    return _changed(node, lambda term: term._replace(shift=term.shift + by))


def _placed_at(node: Mapped, key: str, name: str) -> Node:
    return _changed(node.inner, lambda term: placed(term, node, ((key, name),)))


def _in_group(term: Selection, group: Tags) -> Selection:
    return term._replace(within=(*term.within, *group)) if term.grouped else term


def _tagged(tags: Tags) -> Function:
    """Return a function that sets tags of series, replacing values of the same names."""
    return lambda series_set: [
        series._replace(tags=tuple(sorted({**dict(series.tags), **dict(tags)}.items())))
        for series in series_set
    ]
