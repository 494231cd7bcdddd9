"""/v1/metrics: measurements with a source, as Librato had them first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from klein import Klein
from twisted.web.iweb import IRequest

from zibrato.model import Series
from zibrato.store.api import composite_query, time_series
from zibrato.store.api.composites import Composite
from zibrato.store.api.requests import Content, content_of, first_of, number, parameters
from zibrato.store.api.responses import bad, bad_request, json_reply, nothing, with_refusals
from zibrato.store.api.submissions import UNASSIGNED, legacy, metric_fields, text
from zibrato.store.api.time_range import TIME_PARAMETERS, window
from zibrato.store.backend import StoreBackend
from zibrato.store.csv_export import as_csv, records
from zibrato.store.db import metadata
from zibrato.store.db.metadata import Submission
from zibrato.store.db.reader import Reader
from zibrato.store.db.writer import Writer
from zibrato.store.live import Measured

PAGE = 100


class MetricsApi:
    """What there is below /v1/metrics; `store` keeps it."""

    app = with_refusals(Klein())

    def __init__(self, store: StoreBackend) -> None:
        self._store = store
        self._database = store.database

    @app.route("/", methods=["POST"])
    async def post(self, request: IRequest) -> bytes:
        """Keep measurements, all of them or none."""
        submissions = legacy(content_of(request), self._database.clock.seconds())
        await keep(self._store, submissions)
        return json_reply(request, {})

    @app.route("/", methods=["GET"])
    async def page(self, request: IRequest) -> bytes:
        """Answer with a page of the metrics that have `name` in their name."""
        params = first_of(parameters(request))
        if "compose" in params:
            return json_reply(request, await self._composite(params))
        offset, length = paging(params)
        descending = params.get("sort", "asc") == "desc"
        total, found = await self._database.read(
            lambda reader: metadata.page(
                reader.connection, params.get("name", ""), offset, length, descending
            )
        )
        query = {"found": total, "length": len(found), "offset": offset, "total": total}
        content = {"query": query, "metrics": [each.content() for each in found]}
        return json_reply(request, content)

    @app.route("/", methods=["DELETE"])
    async def delete_many(self, request: IRequest) -> bytes:
        """Delete the metrics of the body's names, in which * is anything."""
        names = content_of(request).get("names")
        names = [names] if isinstance(names, str) else names
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            raise bad("names", "is not an array of names")
        await self._delete(names)
        return nothing(request)

    @app.route("/<name>", methods=["GET"])
    async def get(self, request: IRequest, name: str) -> bytes:
        """Answer with a metric, and with its measurements if a time is asked for."""
        params = parameters(request)
        if not (TIME_PARAMETERS & params.keys() or "format" in params):
            found = await self._database.read(lambda r: metadata.metric(r.connection, name))
            return json_reply(request, found.content())
        if first_of(params).get("format", "json") == "csv":
            request.setHeader(b"Content-Type", b"text/csv; charset=utf-8")
            return await self._database.read(lambda reader: self._csv(reader, name, params))
        return json_reply(
            request, await self._database.read(lambda reader: self._history(reader, name, params))
        )

    @app.route("/<name>", methods=["PUT"])
    async def put(self, request: IRequest, name: str) -> bytes:
        """Change what is known of a metric, or make one."""
        fields = metric_fields(content_of(request))
        text({"name": name}, "name")
        await self._database.write(lambda writer: metadata.put(writer, name, fields))
        return nothing(request)

    @app.route("/<name>", methods=["DELETE"])
    async def delete(self, request: IRequest, name: str) -> bytes:
        """Delete a metric."""
        await self._database.read(lambda reader: metadata.metric(reader.connection, name))
        await self._delete([name])
        return nothing(request)

    async def _delete(self, patterns: list[str]) -> None:
        def work(writer: Writer) -> list[str]:
            names = metadata.matching(writer.connection, patterns)
            writer.delete_metrics(names)
            return names

        self._store.live.remove(await self._database.write(work))

    async def _composite(self, params: Mapping[str, str]) -> Content:
        now = self._database.clock.seconds()
        asked = window(params, now)._replace(newest=None)
        try:
            node = composite_query.parse(params["compose"])
        except ValueError as error:
            raise bad_request(f"the composite query is refused: {error}") from None

        def work(reader: Reader) -> Content:
            every = reader.series()
            chosen = {
                each: chosen_by(each, every) for each in set(composite_query.selections(node))
            }
            return Composite(reader, asked, now).content(node, chosen)

        return {"compose": params["compose"], **await self._database.read(work)}

    def _history(self, reader: Reader, name: str, params: dict[str, list[str]]) -> Content:
        metric = metadata.metric(reader.connection, name)
        first = first_of(params)
        now = self._database.clock.seconds()
        asked = window(first, now)
        series = of_sources(reader.series(name), params)
        plot = time_series.read(reader, [*series], asked, now)
        breakout = first.get("breakout_sources", "true") != "false"
        summarize = first.get("summarize_sources", "false") == "true"
        measurements = time_series.by_source(
            plot, series, metric, asked, breakout=breakout, summarize=summarize
        )
        return {**metric.content(), "resolution": plot.step, "measurements": measurements}

    def _csv(self, reader: Reader, name: str, params: dict[str, list[str]]) -> bytes:
        metadata.metric(reader.connection, name)
        now = self._database.clock.seconds()
        series = of_sources(reader.series(name), params)
        plot = time_series.read(reader, [*series], window(first_of(params), now), now)
        return as_csv(records(plot, series))


async def keep(store: StoreBackend, submissions: list[Submission]) -> None:
    """Keep measurements, and show them to those who watch."""
    kept = await store.database.write(lambda w: metadata.add_submissions(w, submissions))
    interval = store.live.interval
    measured = [
        Measured(series_id, series, start, start + interval, submission.summary)
        for (series_id, series), submission in zip(kept, submissions, strict=True)
        for start in [submission.when // interval * interval]
    ]
    await store.publish(measured)


def chosen_by(
    selection: composite_query.Selection, series: Mapping[int, Series]
) -> dict[int, Series]:
    """Return the series that a term of a composite query selects."""
    metric, source = selection.metric.lower(), selection.source.lower()
    return {
        number: each
        for number, each in series.items()
        if matches(metric, each.name.lower())
        and matches(source, (each.source or UNASSIGNED).lower())
    }


def of_sources(series: dict[int, Series], params: Mapping[str, list[str]]) -> dict[int, Series]:
    """Return the series of the sources that are asked for, in which * is anything."""
    wanted = [each.lower() for each in params.get("sources", []) + params.get("source", [])]
    if not wanted or "*" in wanted:
        return series
    return {
        number: each
        for number, each in series.items()
        if any(matches(pattern, (each.source or UNASSIGNED).lower()) for pattern in wanted)
    }


def matches(pattern: str, value: str) -> bool:
    """Whether a value fits a pattern, in which * is anything."""
    first, *rest = pattern.split("*")
    if not rest:
        return value == pattern
    if not value.startswith(first):
        return False
    value = value[len(first) :]
    for part in rest[:-1]:
        _, found, value = value.partition(part)
        if part and not found:
            return False
    return value.endswith(rest[-1])


def paging(params: Mapping[str, Any]) -> tuple[int, int]:
    """Return offset and length of a page."""
    offset, length = int(number(params, "offset") or 0), int(number(params, "length") or PAGE)
    if offset < 0 or not 0 < length <= PAGE:
        raise bad("length" if offset >= 0 else "offset", f"is not from 0 to {PAGE}")
    return offset, length
