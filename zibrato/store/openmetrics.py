"""Write measurements as OpenMetrics text, of which Prometheus can make blocks: `zibrato export`.

Names, labels and buckets equal those of the backend prometheus, so that imported and scraped series
are the same. Counters and timers are running totals that begin with the exported range.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite

from zibrato.backends.prometheus.classic import cumulative
from zibrato.backends.prometheus.names import distinct_name, translated
from zibrato.backends.prometheus.text import LE, histogram_lines, labels_text, sample_line
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, KINDS, TIMER, Series, Summary, bounded
from zibrato.store.db.codec import merged_summary
from zibrato.store.db.reader import Plot

_TYPES = {TIMER: "histogram", COUNTER: "counter"}
Slots = Sequence[tuple[int, Summary]]
"""The start of each slot, in Unix seconds, and its summary."""


def openmetrics(
    series: Mapping[int, Series], plot_of: Callable[[Sequence[int]], Plot]
) -> Iterator[str]:
    """Generate the text, some lines at a time; `plot_of` returns the plot of series ids."""
    families: defaultdict[tuple[str, str], defaultdict[Series, list[int]]]
    families = defaultdict(lambda: defaultdict(list))
    for series_id, one in series.items():
        called = translated(one)
        families[called.kind, called.name][called].append(series_id)
    taken: set[str] = set()
    for kind, name in sorted(families, key=lambda key: (KINDS.index(key[0]), key[1])):
        members = families[kind, name]
        plot = plot_of([series_id for ids in members.values() for series_id in ids])
        slots = {one: _slots(plot, ids) for one, ids in members.items()}
        yield from _family(kind, distinct_name(kind, name, taken), slots, plot.step)
    yield "# EOF\n"


def _slots(plot: Plot, ids: Sequence[int]) -> Slots:
    """Merge series whose names and labels are the same, oldest slot first."""
    plot.raise_if_ended()
    starts = sorted({start for series_id in ids for start in plot.slots[series_id]})
    return [
        (start, merged_summary([row for one in ids for row in plot.slots[one].get(start, ())]))
        for start in starts
    ]


def _family(kind: str, name: str, slots: Mapping[Series, Slots], step: int) -> Iterator[str]:
    if not any(slots.values()):
        return
    summaries = [summary for some in slots.values() for _, summary in some]
    # A decreasing counter would look as if it had been reset.
    is_falling = kind == COUNTER and any(summary.sum < 0 for summary in summaries)
    yield f"# TYPE {name} {'gauge' if is_falling else _TYPES.get(kind, 'gauge')}\n"
    for series, some in slots.items():
        labels = labels_text(series)
        if kind == TIMER:
            yield from _histogram(name, labels, some, step)
        elif kind == COUNTER:
            yield from _totals(name if is_falling else f"{name}_total", labels, some, step)
        else:
            for start, summary in some:
                if isfinite(summary.reading):
                    yield sample_line(name, labels, summary.reading, start + step)


def _totals(name: str, labels: str, slots: Slots, step: int) -> Iterator[str]:
    """Generate running totals; they begin at 0, or the first increment would not be known."""
    total = 0.0
    for index, (start, summary) in enumerate(slots):
        if index == 0:
            yield sample_line(name, labels, 0, start)
        total = bounded(total + summary.sum)
        yield sample_line(name, labels, total, start + step)


def _histogram(name: str, labels: str, slots: Slots, step: int) -> Iterator[str]:
    distribution, count, total = Distribution(), 0, 0.0
    distribution.spill()
    for index, (start, summary) in enumerate(slots):
        if index == 0:
            yield histogram_lines(name, labels, [0] * len(LE), 0.0, start)
        if summary.distribution is not None:
            distribution = _added(distribution, summary.distribution)
        count, total = count + summary.count, bounded(total + summary.sum)
        counts = [*cumulative(distribution), count]
        yield histogram_lines(name, labels, counts, total, start + step)


def _added(running: Distribution, more: Distribution) -> Distribution:
    if more.samples is None:
        running.absorb(more)
    else:
        running.add(more.samples.tolist())
    return running
