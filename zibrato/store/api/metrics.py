"""/v1/metrics: measurements with a source, in the format of Librato's first API."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from klein import Klein
from twisted.web.iweb import IRequest

from zibrato.store.api import time_series
from zibrato.store.api.composites import Composite
from zibrato.store.api.descriptions import DESCRIBED, metric_fields
from zibrato.store.api.parameters import (
    Parameters,
    first_values,
    paging,
    parameters,
    reject_unknown_parameters,
    wants_csv,
)
from zibrato.store.api.requests import (
    Content,
    content_of,
    is_otlp,
    name_patterns,
    reject_unknown,
    required_name,
)
from zibrato.store.api.responses import (
    bad_parameter,
    bad_request,
    created,
    csv_response,
    json_response,
    no_content,
    with_error_responses,
)
from zibrato.store.api.selection import of_sources
from zibrato.store.api.source_series import SHAPE_PARAMETERS, by_source, shape_of
from zibrato.store.api.submissions import legacy
from zibrato.store.api.time_range import TIME_PARAMETERS, time_range_of
from zibrato.store.csv_export import as_csv, records
from zibrato.store.db import metadata, submissions
from zibrato.store.db.metadata import COMPOSITE, Metric
from zibrato.store.db.reader import Reader
from zibrato.store.db.series_index import NO_ROOM
from zibrato.store.db.submissions import Submission
from zibrato.store.db.writer import Writer
from zibrato.store.live import Measured, described
from zibrato.store.store import Store

_READ = {"source", "sources", "format"}


class MetricsApi:
    """The paths below /v1/metrics; `store` has the data."""

    app = with_error_responses(Klein())

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    @app.route("/", methods=["POST"])
    async def post(self, request: IRequest) -> bytes:
        """Store measurements, all or none; those in OTLP go through the daemon, like all others."""
        if is_otlp(request):
            return await self._otlp(request)
        await keep(self._store, request, legacy)
        return json_response(request, {})

    @app.route("/", methods=["GET"])
    async def page(self, request: IRequest) -> bytes:
        """Answer with a page of the metrics that have `name` in their name."""
        params = parameters(request)
        if "compose" in params:
            reject_unknown_parameters(params, TIME_PARAMETERS, {"compose"})
            return json_response(request, await self._composite(first_values(params)))
        page = paging(params)
        total, found, metrics = await self._database.read(
            lambda reader: metadata.page(reader, *page)
        )
        shown = [metric.content() for metric in metrics]
        return json_response(request, page.content("metrics", total, found, shown))

    @app.route("/", methods=["DELETE"])
    async def delete_many(self, request: IRequest) -> bytes:
        """Delete the metrics named in the body, except those of `exclude`; * is any text."""
        content = content_of(request)
        reject_unknown(content, {"names", "exclude"})
        names, exclude = name_patterns(content, "names"), name_patterns(content, "exclude", [])
        await self._delete(lambda writer: metadata.matching(writer, names, exclude))
        return no_content(request)

    @app.route("/<name>", methods=["GET"])
    async def get(self, request: IRequest, name: str) -> bytes:
        """Answer with a metric, and with its measurements if the request has a time range."""
        params = parameters(request)
        reject_unknown_parameters(params, TIME_PARAMETERS, SHAPE_PARAMETERS, _READ)
        if not (TIME_PARAMETERS & params.keys() or "format" in params):
            metric = await self._database.read(lambda r: metadata.metric(r, name))
            return json_response(request, metric.content())
        if wants_csv(params):
            content = await self._database.read(lambda reader: self._csv(reader, name, params))
            return csv_response(request, content)
        return json_response(
            request,
            await self._database.read(lambda reader: self._measurements(reader, name, params)),
        )

    @app.route("/<name>", methods=["PUT"])
    async def put(self, request: IRequest, name: str) -> bytes:
        """Change a metric's metadata, or make a metric."""
        fields = metric_fields(content_of(request))

        def work(writer: Writer) -> tuple[bool, Metric]:
            known = metadata.metrics(writer, [name])
            if not known:  # the daemon's own measurements may have any name
                required_name({"name": name}, "name")
                if fields.get("type") == COMPOSITE and not fields.get("composite"):
                    raise bad_parameter("composite", "is not present")
            return bool(known), metadata.put(writer, name, fields)

        known, metric = await self._database.write(work)
        self._store.describe([metric])
        if known:
            return no_content(request)
        return created(request, metric.content(), "metrics", metric.name)

    @app.route("/", methods=["PUT"])
    async def put_many(self, request: IRequest) -> bytes:
        """Change the metadata of the metrics named in the body, except those of `exclude`.

        In both, * is any text.
        """
        content = content_of(request)
        reject_unknown(content, {"names", "exclude", *DESCRIBED})
        patterns, exclude = name_patterns(content, "names"), name_patterns(content, "exclude", [])
        described = content.keys() - {"names", "exclude"}
        fields = metric_fields({key: content[key] for key in described})

        def work(writer: Writer) -> list[Metric]:
            names = metadata.matching(writer, patterns, exclude)
            return metadata.put_many(writer, names, fields)

        self._store.describe(await self._database.write(work))
        return no_content(request)

    @app.route("/<name>", methods=["DELETE"])
    async def delete(self, request: IRequest, name: str) -> bytes:
        """Delete a metric."""
        await self._delete(lambda writer: [metadata.metric(writer, name).name])
        return no_content(request)

    async def _otlp(self, request: IRequest) -> bytes:
        daemon = self._store.daemon
        if daemon is None or daemon.otlp is None:
            raise bad_request("there is no daemon that takes OTLP", 415)
        return await daemon.otlp(request)

    async def _delete(self, select: Callable[[Writer], list[str]]) -> None:
        def work(writer: Writer) -> None:
            names = select(writer)
            writer.delete_metrics(names)
            # Remove them here: the list is locked while it is encoded, and the reactor can't wait
            # for that.
            self._store.live.remove(names)

        await self._database.write(work)

    async def _composite(self, params: Mapping[str, str]) -> Content:
        now = self._database.clock.seconds()
        time_range = time_range_of(params, now)
        text = params["compose"]

        def work(reader: Reader) -> Content:
            made = Composite(reader, text, time_range, now, sources=True)
            content = {"resolution": made.resolution, "measurements": made.by_source()}
            return {"compose": text, **content}

        return await self._database.read(work)

    def _measurements(self, reader: Reader, name: str, params: Parameters) -> Content:
        metric = metadata.metric(reader, name)
        now = self._database.clock.seconds()
        time_range = time_range_of(first_values(params), now)
        if metric.type == COMPOSITE:
            reject_unknown_parameters(params, TIME_PARAMETERS)
            made = Composite(reader, metric.composite or "", time_range, now, sources=True)
            content = {"resolution": made.resolution, "measurements": made.measurements()}
            return {**metric.content(), **content}
        series = of_sources(reader.series(name), params)
        plot = time_series.read(reader, [*series], time_range, now)
        measurements = by_source(plot, series, metric, time_range, shape_of(params))
        return {**metric.content(), "resolution": plot.step, "measurements": measurements}

    def _csv(self, reader: Reader, name: str, params: Parameters) -> bytes:
        if metadata.metric(reader, name).type == COMPOSITE:
            raise bad_parameter("format", "is not json, the only format of a composite")
        now = self._database.clock.seconds()
        time_range = time_range_of(first_values(params), now)
        series = of_sources(reader.series(name), params)
        plot = time_series.read(reader, [*series], time_range, now)
        return as_csv(records(plot, series))


async def keep(
    store: Store, request: IRequest, parse: Callable[[Content, float], list[Submission]]
) -> int:
    """Store the measurements of a request, show them to subscribers, and return their number."""
    submitted = parse(content_of(request), store.database.clock.seconds())
    await store.ready()  # otherwise they could be loaded from the file, and then added again
    kept = await store.database.write(lambda w: submissions.add(w, submitted))
    interval = store.live.interval
    measured = [
        Measured(series_id, series, start, start + interval, submission.summary)
        for (series_id, series), submission in zip(kept.series, submitted, strict=True)
        if series_id != NO_ROOM
        for start in [submission.when // interval * interval]
    ]
    await store.publish(measured)
    store.describe([metric for metric in kept.metrics if described(metric).says_something])
    return len(submitted)
