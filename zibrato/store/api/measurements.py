"""/v1/measurements: measurements with tags."""

from __future__ import annotations

from collections.abc import Mapping

from klein import Klein
from twisted.web.iweb import IRequest

from zibrato.store.api import time_series
from zibrato.store.api.composites import Composite
from zibrato.store.api.metrics import keep
from zibrato.store.api.parameters import (
    Parameters,
    first_values,
    parameters,
    reject_unknown_parameters,
    wants_csv,
)
from zibrato.store.api.requests import Content
from zibrato.store.api.responses import (
    bad_parameter,
    csv_response,
    json_response,
    with_error_responses,
)
from zibrato.store.api.selection import TAG_PARAMETER, with_tags
from zibrato.store.api.submissions import tagged
from zibrato.store.api.tag_series import EVERY, by_tags, grouped
from zibrato.store.api.time_range import TIME_PARAMETERS, time_range_of
from zibrato.store.csv_export import as_csv, records
from zibrato.store.db import metadata
from zibrato.store.db.metadata import COMPOSITE
from zibrato.store.db.reader import Reader
from zibrato.store.store import Store

_READ = {"tags_search", "group_by", "group_by_function", "summary_function", "format"}


class MeasurementsApi:
    """The paths below /v1/measurements."""

    app = with_error_responses(Klein())

    def __init__(self, store: Store) -> None:
        self._store = store
        self._database = store.database

    @app.route("/", methods=["POST"])
    async def post(self, request: IRequest) -> bytes:
        """Store measurements, all or none."""
        total = await keep(self._store, request, tagged)
        summary = {"total": total, "accepted": total, "failed": 0, "filtered": 0}
        return json_response(request, {"measurements": {"summary": summary}}, 202)

    @app.route("/", methods=["GET"])
    async def composite(self, request: IRequest) -> bytes:
        """Answer with the series of a composite query."""
        params = parameters(request)
        reject_unknown_parameters(params, TIME_PARAMETERS, {"compose"})
        if "compose" not in params:
            raise bad_parameter(
                "compose",
                "is not present; for the measurements of a NAME write /v1/measurements/NAME",
            )
        first = first_values(params)
        content = await self._database.read(
            lambda reader: self._composite(reader, first["compose"], first)
        )
        return json_response(request, {"compose": first["compose"], **content})

    @app.route("/<name>", methods=["GET"])
    async def get(self, request: IRequest, name: str) -> bytes:
        """Answer with the streams of a metric that have the requested tags."""
        params = parameters(request)
        tags = {param for param in params if TAG_PARAMETER.fullmatch(param)}
        reject_unknown_parameters(params, TIME_PARAMETERS, _READ, tags)
        if wants_csv(params):
            content = await self._database.read(lambda reader: self._csv(reader, name, params))
            return csv_response(request, content)
        return json_response(
            request, await self._database.read(lambda reader: self._streams(reader, name, params))
        )

    def _streams(self, reader: Reader, name: str, params: Parameters) -> Content:
        metric = metadata.metric(reader, name)
        first = first_values(params)
        if metric.type == COMPOSITE:
            reject_unknown_parameters(params, TIME_PARAMETERS)
            return {**metric.content(), **self._composite(reader, metric.composite or "", first)}
        now = self._database.clock.seconds()
        time_range = time_range_of(first, now)
        series = with_tags(reader.series(name), params)
        plot = time_series.read(reader, [*series], time_range, now)
        function = first.get("summary_function")
        if function == EVERY and "group_by" in params:
            raise bad_parameter("group_by", f"excludes summary_function={EVERY}")
        streams = by_tags(plot, series, metric, time_range, function)
        if "group_by" in params:
            tags = [tag.strip().lower() for tag in ",".join(params["group_by"]).split(",")]
            merging = first.get("group_by_function") or ("sum" if metric.summed else None)
            streams = grouped(streams, tags, merging)
        return {**metric.content(), "resolution": plot.step, "series": streams, "links": []}

    def _composite(self, reader: Reader, text: str, first: Mapping[str, str]) -> Content:
        now = self._database.clock.seconds()
        made = Composite(reader, text, time_range_of(first, now), now, sources=False)
        return {"resolution": made.resolution, "series": made.by_tags(), "links": []}

    def _csv(self, reader: Reader, name: str, params: Parameters) -> bytes:
        if metadata.metric(reader, name).type == COMPOSITE:
            raise bad_parameter("format", "is not json, the only format of a composite")
        now = self._database.clock.seconds()
        time_range = time_range_of(first_values(params), now)
        series = with_tags(reader.series(name), params)
        plot = time_series.read(reader, [*series], time_range, now)
        return as_csv(records(plot, series))
