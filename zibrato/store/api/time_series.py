"""Read measurements over time, and functions that make one value of them; pure except `read`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan, nan, sqrt

from zibrato.model import COUNTER, Summary
from zibrato.store.api.responses import bad_parameter
from zibrato.store.api.time_range import TimeRange
from zibrato.store.db.codec import Row
from zibrato.store.db.metadata import COUNTER_TYPE, SUMMARIZE, Metric
from zibrato.store.db.reader import Plot, Reader

SummaryFunction = Callable[[Summary], float]
Slots = Mapping[int, list[Row]]
"""Rows by the Unix second at which their slot begins."""


def mean(summary: Summary) -> float:
    """Return the mean of a summary's samples, or 0 if there are none."""
    return summary.sum / summary.count if summary.count else 0.0


def deviation(summary: Summary) -> float:
    """Return the population's standard deviation, or NaN if the sum of squares is unknown."""
    if not summary.count or isnan(summary.sum_squares):
        return nan
    average = mean(summary)
    # The difference of two large numbers may be a little below 0.
    return sqrt(max(0.0, summary.sum_squares / summary.count - average * average))


SUMMARY_FUNCTIONS: Mapping[str, SummaryFunction] = {
    "average": mean,
    "mean": mean,
    "sum": lambda summary: summary.sum,
    "count": lambda summary: float(summary.count),
    "min": lambda summary: summary.min,
    "max": lambda summary: summary.max,
    "last": lambda summary: summary.reading,
    "stddev": deviation,
}
"""Functions of a summary, by Librato's names; the result is NaN if it is unknown."""
GROUP_FUNCTIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "average": lambda values: sum(values) / len(values),
    "mean": lambda values: sum(values) / len(values),
    "sum": sum,
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
}
"""Functions of the values of several streams, by Librato's names."""


def read(reader: Reader, ids: Sequence[int], time_range: TimeRange, now: float) -> Plot:
    """Return the slots of the series over a time range."""
    return reader.slots(ids, time_range.start, time_range.end, now, time_range.step)


def summary_function(name: str | None, metric: Metric, kind: str) -> SummaryFunction:
    """Return a function of a summary by its name; None selects what fits the metric."""
    if name is None:
        name = _fitting(metric, kind)
    if name not in SUMMARY_FUNCTIONS:
        raise bad_parameter("summary_function", f"is none of {', '.join(SUMMARY_FUNCTIONS)}")
    return SUMMARY_FUNCTIONS[name]


def group_function(param: str, name: str) -> Callable[[Sequence[float]], float]:
    """Return a function of the values of several streams by its name, from `param`."""
    if name not in GROUP_FUNCTIONS:
        raise bad_parameter(param, f"is none of {', '.join(GROUP_FUNCTIONS)}")
    return GROUP_FUNCTIONS[name]


def _fitting(metric: Metric, kind: str) -> str:
    if metric.type == COUNTER_TYPE:  # a running total
        return "last"
    chosen = metric.attributes.get(SUMMARIZE)
    if isinstance(chosen, str) and chosen in SUMMARY_FUNCTIONS:
        return chosen
    return "sum" if kind == COUNTER else "average"
