"""What lines of statsd say, in a form to compare: measurements, and rejections by reason."""

from __future__ import annotations

from math import sqrt

from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.intake.statsd_lines import StatsdLines
from zibrato.lines import LineBatch
from zibrato.model import Annotation, Summary
from zibrato.wire import unpack

NOW = 1_700_000_000.0
Said = list[dict[str, object]]


def read(*lines: bytes, level: str = "info") -> tuple[Said, dict[str, int]]:
    """Return what lines say, those of a frame each, and how many were rejected, by reason."""
    notes: list[Annotation] = []
    reader = StatsdLines(level, notes.append)
    reader.split(lines)
    gathered = reader.take(NOW)
    said: Said = []
    for batch in gathered.batches:
        assert isinstance(batch, LineBatch)
        said += measurements(batch)
    return said + [_noted(note) for note in notes], dict(gathered.rejected)


def measurements(batch: LineBatch) -> Said:
    """Return what a batch says, in its order."""
    said: dict[str, dict[str, object]] = {}
    for row in batch.counters:
        _add(said, batch, "counter", row, count=row.count, sum=row.sum)
    for timer in batch.timers:
        _add(said, batch, "timer", timer, values=unpack(timer.samples).tolist())
    for repeated in batch.repeated:
        times = [*repeated.times]
        _add(said, batch, "timer", repeated, values=[*repeated.samples], times=times)
    for gauge in batch.gauges:
        _add(said, batch, "gauge", gauge, values=unpack(gauge.samples).tolist())
    for one in batch.sets:
        values = [value.decode(errors="backslashreplace") for value in one.values]
        _add(said, batch, "set", one, values=values)
    return list(said.values())


def summary(*lines: bytes) -> Summary:
    """Return what an interval has of the only series that lines are of."""
    metrics = SelfMetrics()
    aggregator = Aggregator(metrics, interval=10.0, source="here", max_series=10)
    reader = StatsdLines("info", lambda _: None)
    for line in lines:
        reader.split([line])
        for batch in reader.take(NOW).batches:
            aggregator.add(batch, NOW)
    (closed,) = aggregator.close(float("inf"))
    (only,) = closed.snapshot().summaries.values()
    return only


def figures(only: Summary, names: list[str], scale: float) -> dict[str, float]:
    """Return figures of a summary by what daemons call them; `scale` makes milliseconds of it."""
    mean = only.sum / only.count
    known = {
        "count": only.count,
        "sum": only.sum * scale,
        "lower": only.min * scale,
        "upper": only.max * scale,
        "sum_squares": only.sum_squares * scale * scale,
        "mean": mean * scale,
        "std": sqrt(max(0.0, only.sum_squares / only.count - mean * mean)) * scale,
        "value": only.last,
        "total": only.sum,
    }
    distribution = only.distribution
    for name in names:
        if name.startswith("p") and distribution is not None:
            known[name] = distribution.percentile(float(name[1:])) * scale
    return {name: known[name] for name in names}


def _add(
    said: dict[str, dict[str, object]], batch: LineBatch, kind: str, row: object, **what: object
) -> None:
    """Add what a row says to what others of its series say."""
    name, level, source, tags = (
        getattr(row, field) for field in ("name", "level", "source", "tags")
    )
    entry: dict[str, object] = {"kind": kind, "name": name}
    entry |= {"tags": tags} if tags else {}
    entry |= {"level": level} if level != "info" else {}
    entry |= {"source": source} if source else {}
    entry |= {"when": batch.start} if batch.start != NOW else {}
    kept = said.setdefault(repr(entry), entry)
    for field, value in what.items():
        kept[field] = kept[field] + value if field in kept else value  # type: ignore[operator]  # values of one field are alike


def _noted(note: Annotation) -> dict[str, object]:
    entry: dict[str, object] = {"kind": "annotation", "name": note.stream, "title": note.title}
    entry |= {"text": note.text} if note.text else {}
    entry |= {"tags": dict(note.tags)} if note.tags else {}
    entry |= {"source": note.source} if note.source else {}
    return entry | ({"when": note.when} if note.when != NOW else {})
