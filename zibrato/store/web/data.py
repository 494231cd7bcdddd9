"""The paths below /data, which only the page uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice

import msgspec
from klein import Klein
from twisted.web.iweb import IRequest

from zibrato.accept_headers import accepts_gzip
from zibrato.health import Problem
from zibrato.interfaces import SelfMetric
from zibrato.model import COUNTER, Series
from zibrato.store.api.parameters import first_values, parameters
from zibrato.store.api.requests import number_or, seconds_or
from zibrato.store.api.responses import bad_parameter, json_response, with_error_responses
from zibrato.store.api.time_range import HOUR
from zibrato.store.db import annotation_events, metadata
from zibrato.store.db.reader import Reader
from zibrato.store.live import Description, Live, described
from zibrato.store.store import Store
from zibrato.store.web.compression import whole
from zibrato.store.web.plot_data import plot_data
from zibrato.store.web.running_totals import increments

MAX_SERIES = 1000
MAX_POINTS = 12_000
PART = 1000
"""Series that are encoded together."""


class SeriesList(msgspec.Struct):
    """The list of all series, as of the Unix time `now`; `interval` is in seconds.

    It includes what events with an id up to `updates` tell. `series_list` adds the series
    themselves to its text.
    """

    now: float
    updates: int
    interval: float
    descriptions: list[Description]


class SelfMetricJson(msgspec.Struct):
    """A self-metric of the daemon or its clients: a gauge's reading, a count since the start."""

    name: str
    tags: Mapping[str, str]
    kind: str
    last: float | None
    total: float


class HealthJson(msgspec.Struct):
    """The daemon's own report, with the Unix time of its start and its addresses.

    `received_rate` is without its own measurements, as in `/health`.
    """

    source: str
    started: float
    addresses: Sequence[str]
    series: Sequence[SelfMetricJson]
    problems: Sequence[Problem] = ()
    received_rate: float | None = None


class DataApi:
    """The paths below /data."""

    app = with_error_responses(Klein())

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    @app.route("/series", methods=["GET"])
    async def series(self, request: IRequest) -> bytes:
        """Answer with every series and its newest intervals."""
        await self._store.ready()
        now, live = self._database.clock.seconds(), self._store.live
        return await self._answer(request, lambda reader: series_list(reader, live, now))

    @app.route("/plot", methods=["GET"])
    async def plot(self, request: IRequest) -> bytes:
        """Answer with the series `ids` from `start` to `end`, in about `points` points."""
        params = first_values(parameters(request))
        ids = series_ids(params.get("ids", ""))
        now = self._database.clock.seconds()
        start, end = seconds_or(params, "start", now - HOUR), seconds_or(params, "end", now)
        points = int(number_or(params, "points", 600))
        if not start < end:
            raise bad_parameter("start", "is not before end")
        if not 1 <= points <= MAX_POINTS:
            raise bad_parameter("points", f"is not from 1 to {MAX_POINTS}")

        def work(reader: Reader) -> object:
            series = reader.series_by_ids(ids)
            plot = reader.plot([*series], start, end, now, points)
            if not _are_running_totals(reader, series):
                return plot_data(plot, series)
            drawn = plot_data(*increments(plot, series))
            drawn.running = True
            return drawn

        return await self._json(request, work)

    @app.route("/annotations", methods=["GET"])
    async def annotations(self, request: IRequest) -> bytes:
        """Answer with the events of all streams from `start` to `end`."""
        params = first_values(parameters(request))
        now = self._database.clock.seconds()
        start, end = seconds_or(params, "start", now - HOUR), seconds_or(params, "end", now)

        def work(reader: Reader) -> object:
            return [_marker(e) for e in annotation_events.between(reader, start, end)]

        return await self._json(request, work)

    @app.route("/health", methods=["GET"])
    async def health(self, request: IRequest) -> bytes:
        """Answer with the self-metrics of this daemon, and not those of others."""
        return json_response(request, _health(self._store))

    async def _json(self, request: IRequest, work: Callable[[Reader], object]) -> bytes:
        """Answer with what `work` returns, encoded to JSON in the same thread."""
        return await self._answer(request, lambda reader: [msgspec.json.encode(work(reader))])

    async def _answer(self, request: IRequest, work: Callable[[Reader], Iterable[bytes]]) -> bytes:
        """Answer with the parts of a JSON text, compressed in the same thread."""
        takes_gzip = accepts_gzip(request.getHeader(b"accept-encoding"))
        body, is_compressed = await self._database.read(
            lambda reader: whole(work(reader), takes_gzip)
        )
        request.setHeader(b"Content-Type", b"application/json")
        request.setHeader(b"Cache-Control", b"no-store")
        request.setHeader(b"Vary", b"Accept-Encoding")
        if is_compressed:
            request.setHeader(b"Content-Encoding", b"gzip")
        return body


def _are_running_totals(reader: Reader, series: Mapping[int, Series]) -> bool:
    known = metadata.metrics(reader, {one.name for one in series.values()})
    return {metric.type for metric in known.values()} == {metadata.COUNTER_TYPE}


def descriptions(reader: Reader) -> list[Description]:
    """Return the metadata of all metrics that have any."""
    *_, metrics = metadata.page(reader, "", 0, metadata.MAX_DESCRIPTIONS)
    every = [described(metric) for metric in metrics]
    return [one for one in every if one.says_something]


def series_list(reader: Reader, live: Live, now: float) -> Iterator[bytes]:
    """Generate the parts of the list of all series as of the Unix time `now`."""
    about = descriptions(reader)
    # Read both under the lock: an update in between would be shown twice, or never.
    with live.lock:
        updates, series = live.updates, live.series(now)
    yield msgspec.json.encode(SeriesList(now, updates, live.interval, about))[:-1] + b',"series":'
    yield from encoded_array(series)
    yield b"}"


def encoded_array(items: Iterable[object]) -> Iterator[bytes]:
    """Generate the parts of a JSON array; few of its objects exist at a time.

    100,000 series as objects would take hundreds of megabytes.
    """
    items = iter(items)
    before = b"["
    while part := [*islice(items, PART)]:
        yield before + msgspec.json.encode(part)[1:-1]
        before = b","
    yield b"]" if before == b"," else b"[]"


def series_ids(text: str) -> list[int]:
    """Parse the ids in a text; raises ApiError."""
    ids = [int(part) for part in text.split(",") if part.isdecimal() and len(part) < 12]
    if not ids or len(ids) > MAX_SERIES:
        raise bad_parameter("ids", f"are not 1 to {MAX_SERIES} numbers with commas between them")
    return ids


def _health(store: Store) -> HealthJson:
    daemon = store.daemon
    if daemon is None:  # the store without a daemon
        return HealthJson("", 0.0, (), ())
    reports = [
        SelfMetricJson(name, dict(tags), COUNTER, None, total)
        for (name, tags), total in store.client_reports.items()
    ]
    own = [_of_self_metric(metric) for metric in daemon.self_metrics()]
    answer = HealthJson(daemon.source, daemon.started, daemon.addresses(), [*own, *reports])
    if daemon.health is not None:
        report = daemon.health()
        answer.problems, answer.received_rate = report.problems, report.received_rate
    return answer


def _of_self_metric(metric: SelfMetric) -> SelfMetricJson:
    kind, name, tags, value = metric
    if kind == COUNTER:
        return SelfMetricJson(name, dict(tags), kind, None, value)
    return SelfMetricJson(name, dict(tags), kind, value, 0.0)


def _marker(event: annotation_events.Event) -> dict[str, object]:
    """Return an event in the form that the page draws."""
    return {
        "stream": event.stream,
        "title": event.title,
        "start": event.start_time,
        "end": event.end_time,
        "source": event.source or None,
        "description": event.description,
    }
