"""A daemon's health as one screen of text; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import attrgetter

from zibrato.health import OK, BackendHealth, Health
from zibrato.printable import printable
from zibrato.terminal.quantities import duration, number, size


def lines(report: Health, url: str) -> list[str]:
    """Return the lines of a report, problems first; they are safe for a terminal."""
    return [printable(line) for line in _lines(report, url)]


def brief_lines(status: str, url: str) -> list[str]:
    """Return the lines for a page that reports only the status."""
    return [printable(f"{status}: {url} tells more with --web-credentials FILE")]


def _lines(report: Health, url: str) -> Iterator[str]:
    # Monitoring shows only the first line: "critical" sorts before "warning".
    for problem in sorted(report.problems, key=attrgetter("severity")):
        yield f"{problem.severity}: {problem.text}"
    if not report.problems:
        yield f"{OK}: all is well"
    yield ""
    up = duration(report.now - report.started)
    yield f"zibrato {report.version} at {report.source}, up {up}"
    yield f"page at {url}"
    yield f"receives at {', '.join(report.addresses) or 'no socket'}"
    yield ""
    yield f"{'':12}{'per second':>12}{'total':>18}"
    yield _counted("received", report.received_rate, report.received)
    for name, rate, counts in (
        ("rejected", report.rejected_rate, report.rejected),
        ("dropped", report.dropped_rate, report.dropped),
    ):
        yield f"{_counted(name, rate, sum(counts.values()))}{_reasons(counts)}"
    yield ""
    memory = "-" if report.memory is None else size(report.memory)
    yield f"{'series':12}{report.series:>12,} in the last interval"
    yield f"{'memory':12}{memory:>12}"
    yield f"{'reactor':12}{report.lag * 1000:>9.0f} ms late at worst in {report.interval:g} s"
    for backend in report.backends:
        yield ""
        yield from _backend(backend, report.now)


def _counted(name: str, rate: float | None, count: int) -> str:
    return f"{name:12}{number(rate):>12} {count:>17,}"


def _reasons(counts: Mapping[str, int]) -> str:
    """Return what was lost by reason, the largest count first; counts of 0 are left out."""
    reasons = sorted(counts.items(), key=lambda item: -item[1])
    text = ", ".join(f"{reason} {count:,}" for reason, count in reasons if count)
    return f"  {text}" if text else ""


def _backend(backend: BackendHealth, now: float) -> Iterator[str]:
    delivered = f"{backend.delivered:,} delivered"
    dropped = sum(backend.dropped.values())
    lost = f", {dropped:,} dropped:{_reasons(backend.dropped)}" if dropped else ""
    yield f"{backend.name:12}{delivered}{lost}"
    if backend.intervals:
        part = backend.size / backend.max_size
        yield (
            f"{'':12}{backend.measurements:,} wait in {_intervals(backend.intervals)}, "
            f"{size(backend.size)} ({part:.1%} of the bound), "
            f"the oldest for {duration(now - (backend.oldest or now))}"
        )
    if backend.failing_since is not None:
        yield (f"{'':12}can't deliver for {duration(now - backend.failing_since)}: {backend.error}")


def _intervals(count: int) -> str:
    return f"{count:,} interval{'s' * (count != 1)}"
