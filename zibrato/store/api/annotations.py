"""/v1/annotations: what happened, to be drawn beside what was measured."""

from __future__ import annotations

from klein import Klein
from twisted.web.iweb import IRequest

from zibrato.store.api.metrics import paging
from zibrato.store.api.requests import content_of, first_of, parameters
from zibrato.store.api.responses import json_reply, nothing, with_refusals
from zibrato.store.api.time_range import DAY, TIME_PARAMETERS, window
from zibrato.store.backend import StoreBackend
from zibrato.store.db import annotation_events


class AnnotationsApi:
    """What there is below /v1/events."""

    app = with_refusals(Klein())

    def __init__(self, store: StoreBackend) -> None:
        self._database = store.database

    @app.route("/", methods=["GET"])
    async def page(self, request: IRequest) -> bytes:
        """Answer with a page of the streams."""
        params = first_of(parameters(request))
        offset, length = paging(params)
        search = params.get("name", "")
        total, found = await self._database.read(
            lambda reader: annotation_events.streams(reader.connection, search, offset, length)
        )
        query = {"found": total, "length": len(found), "offset": offset, "total": total}
        return json_reply(request, {"query": query, "annotations": found})

    @app.route("/<name>", methods=["GET"])
    async def get(self, request: IRequest, name: str) -> bytes:
        """Answer with a stream, and with its events if a time is asked for."""
        params = first_of(parameters(request))
        found = await self._database.read(lambda r: annotation_events.stream(r.connection, name))
        if TIME_PARAMETERS & params.keys():
            start, end, *_ = window(
                {**params, "resolution": str(int(DAY))}, self._database.clock.seconds(), DAY
            )
            found["events"] = await self._database.read(
                lambda reader: annotation_events.by_source(reader.connection, name, start, end)
            )
        return json_reply(request, found)

    @app.route("/<name>", methods=["POST"])
    async def post(self, request: IRequest, name: str) -> bytes:
        """Make an event."""
        content, now = content_of(request), self._database.clock.seconds()
        made = await self._database.write(
            lambda writer: annotation_events.create(writer.connection, name, content, now)
        )
        return json_reply(request, made, 201)

    @app.route("/<name>", methods=["PUT"])
    async def put(self, request: IRequest, name: str) -> bytes:
        """Name a stream for people; the answer has a body, for python-librato needs one."""
        content = content_of(request)
        found = await self._database.write(
            lambda writer: annotation_events.put_stream(writer.connection, name, content)
        )
        return json_reply(request, found)

    @app.route("/<name>", methods=["DELETE"])
    async def delete(self, request: IRequest, name: str) -> bytes:
        """Delete a stream."""
        await self._database.write(lambda w: annotation_events.delete_stream(w.connection, name))
        return nothing(request)

    @app.route("/<name>/<int:number>", methods=["GET"])
    async def get_event(self, request: IRequest, name: str, number: int) -> bytes:
        """Answer with an event."""
        found = await self._database.read(
            lambda reader: annotation_events.event(reader.connection, name, number)
        )
        return json_reply(request, found)

    @app.route("/<name>/<int:number>", methods=["PUT"])
    async def put_event(self, request: IRequest, name: str, number: int) -> bytes:
        """Change an event."""
        content = content_of(request)
        found = await self._database.write(
            lambda writer: annotation_events.change(writer.connection, name, number, content)
        )
        return json_reply(request, found)

    @app.route("/<name>/<int:number>", methods=["DELETE"])
    async def delete_event(self, request: IRequest, name: str, number: int) -> bytes:
        """Delete an event."""
        await self._database.write(
            lambda writer: annotation_events.delete_event(writer.connection, name, number)
        )
        return nothing(request)

    @app.route("/<name>/<int:number>/links", methods=["POST"])
    async def post_link(self, request: IRequest, name: str, number: int) -> bytes:
        """Add a link to an event."""
        content = content_of(request)
        made = await self._database.write(
            lambda writer: annotation_events.link(writer.connection, name, number, content)
        )
        return json_reply(request, made, 201)
