"""/v1/measurements: measurements with tags."""

from __future__ import annotations

from klein import Klein
from twisted.web.iweb import IRequest

from zibrato.store.api import time_series
from zibrato.store.api.metrics import keep
from zibrato.store.api.requests import (
    Content,
    Parameters,
    content_of,
    first_values,
    parameters,
)
from zibrato.store.api.responses import (
    bad_request,
    csv_response,
    json_response,
    with_error_responses,
)
from zibrato.store.api.selection import with_tags
from zibrato.store.api.submissions import tagged
from zibrato.store.api.time_range import time_range_of
from zibrato.store.csv_export import as_csv, records
from zibrato.store.db import metadata
from zibrato.store.db.reader import Reader
from zibrato.store.store import Store


class MeasurementsApi:
    """What there is below /v1/measurements."""

    app = with_error_responses(Klein())

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    @app.route("/", methods=["POST"])
    async def post(self, request: IRequest) -> bytes:
        """Keep measurements, all of them or none."""
        submissions = tagged(content_of(request), self._database.clock.seconds())
        await keep(self._store, submissions)
        total = len(submissions)
        summary = {"total": total, "accepted": total, "failed": 0, "filtered": 0}
        return json_response(request, {"measurements": {"summary": summary}}, 202)

    @app.route("/", methods=["GET"])
    async def composite(self, _request: IRequest) -> bytes:
        """Reject: a composite query is for /v1/metrics, whose measurements have sources."""
        raise bad_request(
            "a composite query is for /v1/metrics; here, ask for the measurements of a NAME"
        )

    @app.route("/<name>", methods=["GET"])
    async def get(self, request: IRequest, name: str) -> bytes:
        """Answer with the streams of a metric, those with the tags that are asked for."""
        params = parameters(request)
        if first_values(params).get("format", "json") == "csv":
            content = await self._database.read(lambda reader: self._csv(reader, name, params))
            return csv_response(request, content)
        return json_response(
            request, await self._database.read(lambda reader: self._streams(reader, name, params))
        )

    def _streams(self, reader: Reader, name: str, params: Parameters) -> Content:
        metric = metadata.metric(reader.connection, name)
        first = first_values(params)
        now = self._database.clock.seconds()
        time_range = time_range_of(first, now)
        series = with_tags(reader.series(name), params)
        plot = time_series.read(reader, [*series], time_range, now)
        streams = time_series.by_tags(
            plot, series, metric, time_range, first.get("summary_function")
        )
        if "group_by" in params:
            tags = [tag.strip().lower() for tag in ",".join(params["group_by"]).split(",")]
            streams = time_series.grouped(
                streams, tags, first.get("group_by_function"), metric.summed
            )
        return {**metric.content(), "resolution": plot.step, "series": streams, "links": []}

    def _csv(self, reader: Reader, name: str, params: Parameters) -> bytes:
        metadata.metric(reader.connection, name)
        now = self._database.clock.seconds()
        time_range = time_range_of(first_values(params), now)
        series = with_tags(reader.series(name), params)
        plot = time_series.read(reader, [*series], time_range, now)
        return as_csv(records(plot, series))
