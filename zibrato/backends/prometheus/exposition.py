"""Write running totals as the text that a scrape receives; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum

from zibrato.accept_headers import choices
from zibrato.backends.prometheus.classic import cumulative
from zibrato.backends.prometheus.names import SECONDS, SUFFIXES, TOTAL, distinct_name
from zibrato.backends.prometheus.text import escaped, histogram_lines, labels_text, sample_line
from zibrato.backends.totals_file import PackedTotal
from zibrato.distribution import Distribution
from zibrato.model import COUNTER, GAUGE, KINDS, TIMER, Series

__all__ = ["Format", "exposition", "format_of"]

_PLAIN, _OPENMETRICS, _VERSION = "text/plain", "application/openmetrics-text", "1.0.0"
_TYPES = {TIMER: "histogram"}
Totals = Sequence[tuple[Series, PackedTotal]]


class Format(Enum):
    """The formats that scrapers can read, with their content types."""

    PLAIN = f"{_PLAIN}; version=0.0.4; charset=utf-8"
    OPENMETRICS = f"{_OPENMETRICS}; version={_VERSION}; charset=utf-8"


def format_of(accept: bytes | None) -> Format:
    """Return OpenMetrics if an Accept header prefers its version 1.0, or else plain text."""
    openmetrics = plain = 0.0
    for name, parameters, weight in choices(accept):
        if name == _OPENMETRICS and parameters.get("version", _VERSION) == _VERSION:
            openmetrics = max(openmetrics, weight)
        elif name == _PLAIN:
            plain = max(plain, weight)
    return Format.OPENMETRICS if openmetrics and openmetrics >= plain else Format.PLAIN


def exposition(
    totals: Iterable[tuple[Series, PackedTotal]], help_of: Mapping[str, str], form: Format
) -> Iterator[str]:
    """Generate the text of translated series in pieces: all of it may be hundreds of megabytes.

    `help_of` has descriptions by the legal names of metrics. If metrics of different kinds have the
    same name, the kind is appended to all but one: a counter keeps its name, or else a timer does.
    """
    groups: dict[tuple[str, str], list[tuple[Series, PackedTotal]]] = {}
    for series, total in totals:
        groups.setdefault((series.kind, series.name), []).append((series, total))
    taken: set[str] = set()
    for (kind, name), members in sorted(groups.items(), key=_rank):
        full = distinct_name(kind, name, taken)
        # A decreasing counter would look as if it had been reset.
        is_falling = kind == COUNTER and not all(total.is_monotonic for _, total in members)
        shown = GAUGE if is_falling else _TYPES.get(kind, kind)
        # The metric's own name may have had the suffix, which `name` is without.
        about = help_of.get(name) or help_of.get(f"{name}{SUFFIXES.get(kind, '')}")
        yield _head(full, shown, about or f"A {kind} of Zibrato's", form)
        sampled = f"{full}{TOTAL}" if shown == COUNTER else full
        for series, packed in members:
            yield _samples(sampled, series, packed)
    if form is Format.OPENMETRICS:
        yield "# EOF\n"


def _rank(group: tuple[tuple[str, str], Totals]) -> tuple[int, str]:
    (kind, name), _ = group
    return KINDS.index(kind), name


def _head(name: str, shown: str, about: str, form: Format) -> str:
    """Return the lines about a metric that come before its samples."""
    if form is Format.OPENMETRICS:
        unit = f"# UNIT {name} seconds\n" if shown == "histogram" and name.endswith(SECONDS) else ""
        return f"# HELP {name} {escaped(about)}\n# TYPE {name} {shown}\n{unit}"
    sampled = f"{name}{TOTAL}" if shown == COUNTER else name
    about = about.replace("\\", r"\\").replace("\n", r"\n")  # quotes aren't escaped in this format
    return f"# HELP {sampled} {about}\n# TYPE {sampled} {shown}\n"


def _samples(name: str, series: Series, packed: PackedTotal) -> str:
    summary = packed.total.summary
    if series.kind == TIMER:
        counts = cumulative(summary.distribution or Distribution())
        return histogram_lines(name, labels_text(series), [*counts, summary.count], summary.sum)
    value = summary.sum if series.kind == COUNTER else summary.reading
    return sample_line(name, labels_text(series), value)
