"""What Zibrato's client is compared to: references, and other clients, used as in their manuals.

Each is set up to look its best: metrics and timers are made once if the library allows keeping
them. If a library lacks a decorator or context manager, one that users would write by hand with the
library is measured instead, and marked so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from benchmarks.measure import Snippet
from benchmarks.wrappers import counted, itself, timed, timed_block, wrapped
from zibrato import Zibrato

Decorator = Callable[[Any], Any]  # most libraries have no types
DECORATORS = ("count decorator", "time decorator")
WITH = "with"
GAUGE = "gauge"
COUNT = "count"
ENDS = ("exceptions decorator", "outcome decorator", "in progress decorator")
EXCEPTIONS, OUTCOME, IN_PROGRESS = ENDS
NAMED = {instrument: f"{instrument} by name" for instrument in (COUNT, GAUGE, WITH)}
TAGGED = "count by name and tag"
PASS = "\n    pass"  # noqa: S105 - a Python statement, not a password
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Client:
    """One client: its decorators, and statements for its other instruments, by the names above."""

    name: str
    count: Decorator | None = None
    time: Decorator | None = None
    statements: Mapping[str, Snippet] = field(default_factory=dict)
    by_hand: frozenset[str] = frozenset()
    """Which of `count` and `time` were written by hand."""
    coroutines: bool = False
    """Whether its own decorators await coroutines."""


def bare() -> Client:
    """Return a client that instruments nothing."""
    return Client("a bare call", itself, itself, coroutines=True)


def plain() -> Client:
    """Return a client that wraps, as every tutorial uses `functools.wraps`, and records nothing."""
    return Client("a plain wrapper", wrapped, wrapped, coroutines=True)


def zibrato(client: Zibrato) -> Client:
    """Return this project's client; every snippet makes one measurement a call, `bench.*`."""
    timer = client.time_me(name="bench.with")
    statements = {
        WITH: Snippet(f"with timer:{PASS}", {"timer": timer}),
        GAUGE: Snippet("gauge(1.5)", {"gauge": client.bind_gauge("bench.gauge")}),
        COUNT: Snippet("counter.count()", {"counter": client.count_me(name="bench.count")}),
        NAMED[WITH]: Snippet(f"with z.Time_me(name='bench.with'):{PASS}", {"z": client}),
        NAMED[GAUGE]: Snippet("z.gauge(name='bench.gauge', value=1.5)", {"z": client}),
        NAMED[COUNT]: Snippet("z.count(name='bench.direct')", {"z": client}),
        TAGGED: Snippet("z.count(name='bench.tagged', tags={'status': '200'})", {"z": client}),
        EXCEPTIONS: _call(client.count_exceptions("quiet.exceptions"), measurements=0),
        OUTCOME: _call(client.time_me("bench.outcome", outcome=True)),
        IN_PROGRESS: _call(client.in_progress("quiet.in_progress"), measurements=0),
    }
    count, time = client.count_me(name="bench.count"), client.time_me(name="bench.time")
    return Client("zibrato", count, time, statements, coroutines=True)


def others(port: int) -> Iterator[Callable[[], Client]]:
    """Yield functions that make the peers; those that use UDP send to `port`."""
    yield functools.partial(statsd, port)
    yield functools.partial(datadog, "datadog", port)
    yield functools.partial(datadog, "datadog, buffered", port, disable_buffering=False)
    aggregated = {"disable_aggregation": False, "max_metric_samples_per_context": 100}
    yield functools.partial(
        datadog, "datadog, aggregated", port, disable_buffering=False, **aggregated
    )
    yield prometheus
    yield opentelemetry
    yield functools.partial(markus, port)
    yield pyformance
    yield librato


def statsd(port: int) -> Client:
    """Return the statsd client, which sends each measurement as a datagram."""
    client = import_module("statsd").StatsClient(HOST, port)
    names = {"client": client, "timer": client.timer("bench.with")}
    statements = {
        WITH: Snippet(f"with timer:{PASS}", names),
        GAUGE: Snippet("client.gauge('bench.gauge', 1.5)", names),
        COUNT: Snippet("client.incr('bench.count')", names),
        NAMED[WITH]: Snippet(f"with client.timer('bench.with'):{PASS}", names),
    }
    return Client(
        "statsd",
        counted(functools.partial(client.incr, "bench.count")),
        client.timer("bench.time"),
        _also_by_name(statements),
        by_hand=frozenset({"count"}),
        coroutines=True,
    )


def datadog(name: str, port: int, **options: object) -> Client:
    """Return DogStatsd: it sends each measurement as a datagram, or buffers, or aggregates."""
    client = import_module("datadog.dogstatsd").DogStatsd(host=HOST, port=port, **options)
    names = {"client": client, "timer": client.timed("bench.with")}
    statements = {
        WITH: Snippet(f"with timer:{PASS}", names),
        GAUGE: Snippet("client.gauge('bench.gauge', 1.5)", names),
        COUNT: Snippet("client.increment('bench.count')", names),
        NAMED[WITH]: Snippet(f"with client.timed('bench.with'):{PASS}", names),
        TAGGED: Snippet("client.increment('bench.count', tags=['status:200'])", names),
    }
    return Client(
        name,
        counted(functools.partial(client.increment, "bench.count")),
        client.timed("bench.time"),
        _also_by_name(statements),
        by_hand=frozenset({"count"}),
        coroutines=True,
    )


def prometheus() -> Client:
    """Return prometheus_client, whose numbers stay in the process."""
    library = import_module("prometheus_client")
    registry = library.CollectorRegistry()
    counter = library.Counter("bench_count", "-", registry=registry)
    histogram = library.Histogram("bench_time", "-", registry=registry)
    names = {"timer": histogram.time(), "counter": counter}
    names["gauge"] = library.Gauge("bench_gauge", "-", registry=registry)
    names["tagged"] = library.Counter("bench_tagged", "-", ["status"], registry=registry)
    statements = {
        WITH: Snippet(f"with timer:{PASS}", names),
        GAUGE: Snippet("gauge.set(1.5)", names),
        COUNT: Snippet("counter.inc()", names),
        TAGGED: Snippet("tagged.labels('200').inc()", names),
        EXCEPTIONS: _call(counter.count_exceptions(), measurements=0),
        IN_PROGRESS: _call(names["gauge"].track_inprogress(), measurements=0),
    }
    return Client(
        "prometheus_client",
        counted(counter.inc),
        histogram.time(),
        statements,
        by_hand=frozenset({"count"}),
    )


def opentelemetry() -> Client:
    """Return OpenTelemetry's SDK with a reader that keeps the numbers in memory."""
    metrics = import_module("opentelemetry.sdk.metrics")
    export = import_module("opentelemetry.sdk.metrics.export")
    meter = metrics.MeterProvider([export.InMemoryMetricReader()]).get_meter("bench")
    counter, histogram = meter.create_counter("bench_count"), meter.create_histogram("bench_time")
    names = {"counter": counter, "gauge": meter.create_gauge("bench_gauge")}
    statements = {
        WITH: timed_block(histogram.record),
        GAUGE: Snippet("gauge.set(1.5)", names),
        COUNT: Snippet("counter.add(1)", names),
        TAGGED: Snippet("counter.add(1, {'status': '200'})", names),
    }
    return Client(
        "OpenTelemetry",
        counted(functools.partial(counter.add, 1)),
        timed(histogram.record),
        statements,
        by_hand=frozenset({"count", "time"}),
    )


def markus(port: int) -> Client:
    """Return markus with its statsd backend."""
    library = import_module("markus")
    backend = "markus.backends.statsd.StatsdMetrics"
    options = {"statsd_host": HOST, "statsd_port": port}
    library.configure([{"class": backend, "options": options}])
    metrics = library.get_metrics("bench")
    names = {"metrics": metrics}
    statements = {
        WITH: Snippet(f"with metrics.timer('with'):{PASS}", names),
        GAUGE: Snippet("metrics.gauge('gauge', 1.5)", names),
        COUNT: Snippet("metrics.incr('count')", names),
        TAGGED: Snippet("metrics.incr('count', tags=['status:200'])", names),
    }
    return Client(
        "markus, statsd",
        counted(functools.partial(metrics.incr, "count")),
        metrics.timer_decorator("time"),
        _also_by_name(statements),
        by_hand=frozenset({"count"}),
    )


def pyformance() -> Client:
    """Return pyformance, whose numbers stay in the process."""
    library = import_module("pyformance")
    registry = library.MetricsRegistry()
    names = {
        "registry": registry,
        "timer": registry.timer("with"),
        "gauge": registry.gauge("gauge"),
        "counter": registry.counter("count"),
    }
    statements = {
        WITH: Snippet(f"with timer.time():{PASS}", names),
        GAUGE: Snippet("gauge.set_value(1.5)", names),
        COUNT: Snippet("counter.inc()", names),
        NAMED[WITH]: Snippet(f"with registry.timer('with').time():{PASS}", names),
        NAMED[GAUGE]: Snippet("registry.gauge('gauge').set_value(1.5)", names),
        NAMED[COUNT]: Snippet("registry.counter('count').inc()", names),
    }
    return Client("pyformance", library.count_calls, library.time_calls, statements)


def librato() -> Client:
    """Return python-librato's Aggregator, which is filled by hand and sent by hand."""
    connection = import_module("librato").connect("user", "key")
    add = import_module("librato.aggregator").Aggregator(connection).add
    names = {"add": add}
    statements = {
        WITH: timed_block(functools.partial(add, "with")),
        GAUGE: Snippet("add('gauge', 1.5)", names),
        COUNT: Snippet("add('count', 1)", names),
    }
    return Client(
        "librato Aggregator",
        counted(functools.partial(add, "count", 1)),
        timed(functools.partial(add, "time")),
        _also_by_name(statements),
        by_hand=frozenset({"count", "time"}),
    )


def _also_by_name(statements: Mapping[str, Snippet]) -> dict[str, Snippet]:
    """Return the statements, also under the operations by name: the client has no others."""
    named = {
        NAMED[instrument]: snippet
        for instrument, snippet in statements.items()
        if instrument in NAMED and not snippet.by_hand
    }
    return {**named, **statements}


def _call(decorate: Decorator, measurements: int = 1) -> Snippet:
    """Return a call of a decorated function that does nothing."""

    def nothing() -> None: ...

    return Snippet("function()", {"function": decorate(nothing)}, measurements=measurements)
