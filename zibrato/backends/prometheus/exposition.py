"""From running totals to what a scrape answers, by prometheus_client's exposition; pure.

The package prometheus_client is an extra.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.samples import Sample

from zibrato.backends.prometheus.classic import BOUNDS, cumulative
from zibrato.backends.prometheus.names import SECONDS, TOTAL, distinct_name, labels_of
from zibrato.backends.totals_file import PackedTotal
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, KINDS, TIMER, Series

__all__ = ["Form", "form_of", "metrics"]

_LEVEL = 1
"""Of gzip: the quickest."""
_BOUNDS = [*map(str, BOUNDS)]
Totals = Sequence[tuple[Series, PackedTotal]]


class Form(NamedTuple):
    """What one who scrapes takes: in what text, and whether compressed."""

    content_type: str
    is_openmetrics: bool
    is_compressed: bool

    def body(self, families: Iterable[Metric]) -> bytes:
        """Return metrics in this form."""
        encode, _ = choose_encoder(self._accept)
        text: bytes = encode(_Registry(families))
        return gzip.compress(text, _LEVEL) if self.is_compressed else text

    @property
    def _accept(self) -> str:
        return "application/openmetrics-text; version=1.0.0" if self.is_openmetrics else ""


def form_of(accept: str, takes_gzip: bool) -> Form:
    """Return the form that an Accept header asks for: OpenMetrics 1.0, else the plain text."""
    is_openmetrics = "application/openmetrics-text" in accept
    form = Form("", is_openmetrics, takes_gzip)
    return form._replace(content_type=choose_encoder(form._accept)[1])


def metrics(
    totals: Iterable[tuple[Series, PackedTotal]], help_of: Mapping[str, str]
) -> list[Metric]:
    """Return the metrics of translated series, their samples made as they are written.

    `help_of` has descriptions by the legal names of metrics. One that is called as another of
    another kind has its kind behind its name: a counter keeps its own, then a timer.
    """
    groups: dict[tuple[str, str], list[tuple[Series, PackedTotal]]] = {}
    for series, total in totals:
        groups.setdefault((series.kind, series.name), []).append((series, total))
    taken: set[str] = set()
    made = []
    for (kind, name), members in sorted(groups.items(), key=_rank):
        full = distinct_name(kind, name, taken)
        made.append(_metric(kind, full, help_of.get(name) or f"A {kind} of Zibrato's", members))
    return made


class _Registry:
    """What prometheus_client's encoders ask."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Return all metrics."""
        return self._families


class _Samples:
    """The samples of a metric, made one after the other: all at once would take 100s of MB."""

    def __init__(self, make: partial[Iterator[Sample]]) -> None:
        self._make = make

    def __iter__(self) -> Iterator[Sample]:
        return self._make()


def _rank(group: tuple[tuple[str, str], Totals]) -> tuple[int, str]:
    (kind, name), _ = group
    return KINDS.index(kind), name


def _metric(kind: str, name: str, about: str, members: Totals) -> Metric:
    if kind == TIMER:
        metric = Metric(name, about, "histogram", "seconds" if name.endswith(SECONDS) else "")
        samples = partial(_histogram, name, members)
    elif kind == COUNTER and all(total.is_monotonic for _, total in members):
        metric = Metric(name, about, "counter")
        samples = partial(_values, f"{name}{TOTAL}", members)
    else:  # what was counted down would look as if it had begun anew
        metric = Metric(name, about, "gauge")
        samples = partial(_values, name, members)
    metric.samples = _Samples(samples)  # type: ignore[assignment]  # it is iterated over alone
    return metric


def _values(name: str, members: Totals) -> Iterator[Sample]:
    for series, packed in members:
        summary = packed.total.summary
        value = summary.sum if series.kind == COUNTER else summary.reading
        yield Sample(name, labels_of(series), value)


def _histogram(name: str, members: Totals) -> Iterator[Sample]:
    for series, packed in members:
        labels, summary = labels_of(series), packed.total.summary
        counts = cumulative(summary.distribution or Distribution())
        for bound, count in zip((*_BOUNDS, "+Inf"), (*counts, summary.count), strict=True):
            yield Sample(f"{name}_bucket", {**labels, "le": bound}, count)
        yield Sample(f"{name}_count", labels, summary.count)
        yield Sample(f"{name}_sum", labels, summary.sum)
