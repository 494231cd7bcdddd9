"""Stores the measurements of Librato's API, and what comes with them of their metrics' metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from zibrato.model import COUNTER, GAUGE, Series, Summary, Tags
from zibrato.store.db.errors import InvalidValueError
from zibrato.store.db.metadata import Metric, MetricFields, joined_attributes, metrics, write
from zibrato.store.db.writer import Measurement, Writer


class Submission(NamedTuple):
    """One measurement of a request: `type` is Librato's, `when` is in Unix seconds."""

    type: str
    name: str
    source: str
    tags: Tags
    when: int
    summary: Summary
    about: MetricFields
    """The metric's metadata that came with the measurement, except the type."""


class StoredSubmissions(NamedTuple):
    """What a request stored: id and series of each measurement, and the new or changed metrics."""

    series: Sequence[tuple[int, Series]]
    metrics: Sequence[Metric]


def add(writer: Writer, submissions: Sequence[Submission]) -> StoredSubmissions:
    """Store the measurements of a request, all or none.

    Measurements that are to be summed become a counter of ours; Librato's counter becomes a gauge.
    Raises InvalidValueError that names every metric with another type or with too many attributes,
    and raises it if the metadata would take too much room.
    """
    stored = metrics(writer, {submission.name for submission in submissions})
    points: list[Measurement] = []
    described: dict[str, Metric] = {}
    # A dict is used as a set that keeps the order of insertion.
    conflicts: dict[str, None] = {}
    for submission in submissions:
        before = stored.get(submission.name.lower())
        if before is not None and before.type != submission.type:
            conflicts[_other_type(before, submission.name)] = None
            continue
        after = _described(submission, before)
        stored[after.name.lower()] = after
        # A metric that has only a name is made together with its series.
        if after != (before or Metric(after.name)):
            described[after.name.lower()] = after
        points.append((_series(submission, after), submission.when, submission.summary))
    if conflicts:
        raise InvalidValueError("type", *conflicts)
    ids = writer.add(points, lambda: write(writer, described.values()))
    kept = [(series_id, series) for series_id, (series, _, _) in zip(ids, points, strict=True)]
    return StoredSubmissions(kept, [*described.values()])


def _other_type(metric: Metric, name: str) -> str:
    """Return Librato's message: statsd-librato-backend reads in it which metric to leave out."""
    return f"'{name}' is a {metric.type}, but was submitted as different type"


def _series(submission: Submission, metric: Metric) -> Series:
    """Return the series that a measurement belongs to."""
    summary = submission.summary
    constant = summary.min == summary.max == summary.reading
    summed = metric.summed and constant and submission.type == GAUGE
    kind = COUNTER if summed else GAUGE
    return Series(kind, metric.name, submission.source, submission.tags)


def _described(submission: Submission, before: Metric | None) -> Metric:
    """Return a measurement's metric; its metadata fills gaps and overwrites nothing."""
    base = before or Metric(submission.name, submission.type)
    about = submission.about
    return base._replace(
        attributes=joined_attributes(base, about.get("attributes", {})),
        display_name=base.display_name or about.get("display_name"),
        description=base.description or about.get("description"),
        period=base.period or about.get("period"),
    )
