"""/v1/measurements: measurements with tags."""

from __future__ import annotations

import re
from collections.abc import Mapping

from klein import Klein
from twisted.web.iweb import IRequest

from zibrato.model import Series
from zibrato.store.api import time_series
from zibrato.store.api.metrics import keep, matches
from zibrato.store.api.requests import Content, content_of, first_of, parameters
from zibrato.store.api.responses import bad, bad_request, json_reply, with_refusals
from zibrato.store.api.submissions import tagged
from zibrato.store.api.time_range import window
from zibrato.store.backend import StoreBackend
from zibrato.store.csv_export import as_csv, records
from zibrato.store.db import metadata
from zibrato.store.db.reader import Reader

_TAG = re.compile(r"tags\[([^\]]+)\]")
_CLAUSE = re.compile(r"(not\s+)?([-.:\w]+)\s*(!?=)\s*\"?([-.:\w*?/\\]+)\"?", re.I | re.A)


class MeasurementsApi:
    """What there is below /v1/measurements."""

    app = with_refusals(Klein())

    def __init__(self, store: StoreBackend) -> None:
        self._store = store
        self._database = store.database

    @app.route("/", methods=["POST"])
    async def post(self, request: IRequest) -> bytes:
        """Keep measurements, all of them or none."""
        submissions = tagged(content_of(request), self._database.clock.seconds())
        await keep(self._store, submissions)
        total = len(submissions)
        summary = {"total": total, "accepted": total, "failed": 0, "filtered": 0}
        return json_reply(request, {"measurements": {"summary": summary}}, 202)

    @app.route("/", methods=["GET"])
    async def composite(self, _request: IRequest) -> bytes:
        """Refuse: there are no composite queries."""
        raise bad_request("composite queries are not supported here; ask for measurements/NAME")

    @app.route("/<name>", methods=["GET"])
    async def get(self, request: IRequest, name: str) -> bytes:
        """Answer with the streams of a metric, those with the tags that are asked for."""
        params = parameters(request)
        if first_of(params).get("format", "json") == "csv":
            request.setHeader(b"Content-Type", b"text/csv; charset=utf-8")
            return await self._database.read(lambda reader: self._csv(reader, name, params))
        return json_reply(
            request, await self._database.read(lambda reader: self._streams(reader, name, params))
        )

    def _streams(self, reader: Reader, name: str, params: dict[str, list[str]]) -> Content:
        metric = metadata.metric(reader.connection, name)
        first = first_of(params)
        now = self._database.clock.seconds()
        asked = window(first, now)
        series = with_tags(reader.series(name), params)
        plot = time_series.read(reader, [*series], asked, now)
        streams = time_series.by_tags(plot, series, metric, asked, first.get("summary_function"))
        if "group_by" in params:
            names = [each.strip().lower() for each in ",".join(params["group_by"]).split(",")]
            summed = metric.summed
            streams = time_series.grouped(streams, names, first.get("group_by_function"), summed)
        return {**metric.content(), "resolution": plot.step, "series": streams, "links": []}

    def _csv(self, reader: Reader, name: str, params: dict[str, list[str]]) -> bytes:
        metadata.metric(reader.connection, name)
        now = self._database.clock.seconds()
        series = with_tags(reader.series(name), params)
        plot = time_series.read(reader, [*series], window(first_of(params), now), now)
        return as_csv(records(plot, series))


def with_tags(series: dict[int, Series], params: Mapping[str, list[str]]) -> dict[int, Series]:
    """Return the series that have the tags which are asked for.

    `tags[NAME]=VALUE` takes several values, * being anything; `tags_search` is NAME=VALUE,
    NAME!=VALUE or `not NAME=VALUE`, several joined with `and`.
    """
    clauses = [
        (match[1].lower(), [value.lower() for value in values], True)
        for param, values in params.items()
        if (match := _TAG.fullmatch(param))
    ]
    clauses += _searched(" and ".join(params.get("tags_search", [])))
    return {number: each for number, each in series.items() if _fits(each, clauses)}


def _fits(series: Series, clauses: list[tuple[str, list[str], bool]]) -> bool:
    tags = {tag.lower(): value.lower() for tag, value in time_series.tags_of(series).items()}
    return all(
        any(matches(pattern, tags.get(tag, "")) for pattern in patterns) == wanted
        for tag, patterns, wanted in clauses
    )


def _searched(text: str) -> list[tuple[str, list[str], bool]]:
    clauses = []
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.I) if text.strip() else ():
        match = _CLAUSE.fullmatch(part.strip())
        if not match:
            raise bad("tags_search", f"{part!r} is not understood; write NAME=VALUE and …")
        wanted = bool(match[1]) == (match[3] == "!=")
        clauses.append((match[2].lower(), [match[4].lower()], wanted))
    return clauses
