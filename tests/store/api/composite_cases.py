"""Series that tests of composite queries are about."""

from __future__ import annotations

from collections.abc import Mapping

from zibrato.store.api.composite_query import parse
from zibrato.store.api.composite_series import CompositeSeries, SeriesSet
from zibrato.store.api.composite_tree import Selection, evaluate

EU = ("region", "eu")
SPAN = range(0, 50, 10)
A, B = Selection("a", "*"), Selection("b", "*")
INPUTS = {
    A: [
        CompositeSeries("a", (("host", "x"), EU), 10, {0: 1.0, 10: 4.0, 20: 2.0}, SPAN),
        CompositeSeries("a", (("host", "y"), EU), 10, {0: 3.0, 20: -8.0}, SPAN),
    ],
    B: [CompositeSeries("b", (("host", "x"), EU), 60, {0: 2.0, 10: 0.0, 20: 4.0})],
}


def made_of(text: str, inputs: Mapping[Selection, SeriesSet] | None = None) -> SeriesSet:
    """Return the series that a query makes of those of its terms."""
    return evaluate(parse(text), INPUTS if inputs is None else inputs, lambda: None)
