"""/v1/annotations: events, to be drawn beside measurements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from klein import Klein
from twisted.web.iweb import IRequest

from zibrato.store.api.parameters import (
    first_values,
    paging,
    parameters,
    reject_unknown_parameters,
)
from zibrato.store.api.requests import (
    Content,
    content_of,
    objects,
    optional_text,
    reject_unknown,
    required_name,
    seconds,
)
from zibrato.store.api.responses import (
    bad_parameter,
    created,
    json_response,
    no_content,
    with_error_responses,
)
from zibrato.store.api.selection import UNASSIGNED, source_patterns
from zibrato.store.api.tag_search import matches
from zibrato.store.api.time_range import DAY, TIME_PARAMETERS, time_range_of
from zibrato.store.db import annotation_events
from zibrato.store.db.annotation_events import Event, EventFields, Link
from zibrato.store.store import Store

_READ = {"source", "sources"}


class AnnotationsApi:
    """The paths below /v1/annotations."""

    app = with_error_responses(Klein())

    def __init__(self, store: Store) -> None:
        self._database = store.database

    @app.route("/", methods=["GET"])
    async def page(self, request: IRequest) -> bytes:
        """Answer with a page of the streams."""
        page = paging(parameters(request))
        total, found, streams = await self._database.read(
            lambda reader: annotation_events.streams(reader, *page)
        )
        shown = [stream._asdict() for stream in streams]
        return json_response(request, page.content("annotations", total, found, shown))

    @app.route("/<name>", methods=["GET"])
    async def get(self, request: IRequest, name: str) -> bytes:
        """Answer with a stream, and with its events if the request has a time range."""
        every = parameters(request)
        reject_unknown_parameters(every, TIME_PARAMETERS - {"count", "resolution"}, _READ)
        params = first_values(every)
        stream = await self._database.read(lambda r: annotation_events.stream(r, name))
        content: Content = stream._asdict()
        if TIME_PARAMETERS & params.keys():
            # Events have no resolution; with a resolution of a day, no time range is too long.
            start, end, *_ = time_range_of(
                {**params, "resolution": str(int(DAY))}, self._database.clock.seconds(), DAY
            )
            patterns = source_patterns(every)
            content["events"] = await self._database.read(
                lambda r: _by_source(annotation_events.in_stream(r, name, start, end), patterns)
            )
        return json_response(request, content)

    @app.route("/<name>", methods=["POST"])
    async def post(self, request: IRequest, name: str) -> bytes:
        """Make an event."""
        required_name({"name": name}, "name")
        now = int(self._database.clock.seconds())
        fields = event_fields({"title": "", "start_time": now, **_given(content_of(request))})
        made = await self._database.write(
            lambda writer: annotation_events.create(writer, name, fields)
        )
        return created(request, event_content(made), "annotations", made.stream, made.id)

    @app.route("/<name>", methods=["PUT"])
    async def put(self, request: IRequest, name: str) -> bytes:
        """Set a stream's name for people; the response has a body, as python-librato needs one."""
        required_name({"name": name}, "name")
        content = content_of(request)
        reject_unknown(content, {"name", "display_name"})
        if str(content.get("name", name)).lower() != name.lower():
            raise bad_parameter("name", "is another than the stream's")
        shown = optional_text(content, "display_name")
        stream = await self._database.write(
            lambda writer: annotation_events.put_stream(writer, name, shown)
        )
        return json_response(request, stream._asdict())

    @app.route("/<name>", methods=["DELETE"])
    async def delete(self, request: IRequest, name: str) -> bytes:
        """Delete a stream."""
        await self._database.write(lambda w: annotation_events.delete_stream(w, name))
        return no_content(request)

    @app.route("/<name>/<int:event_id>", methods=["GET"])
    async def get_event(self, request: IRequest, name: str, event_id: int) -> bytes:
        """Answer with an event."""
        event = await self._database.read(
            lambda reader: annotation_events.event(reader, name, event_id)
        )
        return json_response(request, event_content(event))

    @app.route("/<name>/<int:event_id>", methods=["PUT"])
    async def put_event(self, request: IRequest, name: str, event_id: int) -> bytes:
        """Change an event."""
        fields = event_fields(_given(content_of(request)))
        changed = await self._database.write(
            lambda writer: annotation_events.change(writer, name, event_id, fields)
        )
        return json_response(request, event_content(changed))

    @app.route("/<name>/<int:event_id>", methods=["DELETE"])
    async def delete_event(self, request: IRequest, name: str, event_id: int) -> bytes:
        """Delete an event."""
        await self._database.write(
            lambda writer: annotation_events.delete_event(writer, name, event_id)
        )
        return no_content(request)

    @app.route("/<name>/<int:event_id>/links", methods=["POST"])
    async def post_link(self, request: IRequest, name: str, event_id: int) -> bytes:
        """Add a link to an event."""
        link = link_of(content_of(request))
        await self._database.write(
            lambda writer: annotation_events.add_link(writer, name, event_id, link)
        )
        return created(request, link, "annotations", name, event_id, "links", str(link["rel"]))

    @app.route("/<name>/<int:event_id>/links/<rel>", methods=["GET"])
    async def get_link(self, request: IRequest, name: str, event_id: int, rel: str) -> bytes:
        """Answer with a link of an event."""
        return json_response(
            request,
            await self._database.read(
                lambda reader: annotation_events.link(reader, name, event_id, rel)
            ),
        )

    @app.route("/<name>/<int:event_id>/links/<rel>", methods=["DELETE"])
    async def delete_link(self, request: IRequest, name: str, event_id: int, rel: str) -> bytes:
        """Delete a link of an event."""
        await self._database.write(
            lambda writer: annotation_events.delete_link(writer, name, event_id, rel)
        )
        return no_content(request)


def event_fields(content: Content) -> EventFields:
    """Return the fields of an event that a request sets; raises ApiError."""
    reject_unknown(content, EventFields.__annotations__)
    fields: EventFields = {}
    if "title" in content:
        fields["title"] = optional_text(content, "title") or ""
        if not fields["title"]:
            raise bad_parameter("title", "is not present")
    if "source" in content:
        fields["source"] = required_name(content, "source") if content["source"] else ""
    if "links" in content:
        links = objects(content["links"] or [], "links")
        fields["links"] = [link_of(link) for link in links]
    if "description" in content:
        fields["description"] = optional_text(content, "description")
    if "start_time" in content:
        fields["start_time"] = int(seconds(content, "start_time") or 0)
    if "end_time" in content:
        end = seconds(content, "end_time")
        fields["end_time"] = None if end is None else int(end)
    return fields


def link_of(content: Content) -> Link:
    """Return the link of a request; raises ApiError."""
    reject_unknown(content, {"rel", "href", "label"})
    rel, href = required_name(content, "rel"), content.get("href")
    if not isinstance(href, str) or not href.startswith(("http://", "https://")):
        raise bad_parameter("href", "is not a URL")
    return {"rel": rel, "href": href, "label": optional_text(content, "label")}


def event_content(event: Event) -> Content:
    """Return an event in the API's format."""
    return {
        "id": event.id,
        "name": event.stream,
        "title": event.title,
        "description": event.description,
        "source": event.source or None,
        "start_time": event.start_time,
        "end_time": event.end_time,
        "links": event.links,
    }


def _by_source(events: Iterable[Event], patterns: list[str]) -> dict[str, list[Content]]:
    sources: dict[str, list[Content]] = defaultdict(list)
    for event in events:
        source = event.source or UNASSIGNED
        if any(matches(pattern, source.lower()) for pattern in patterns):
            sources[source].append(event_content(event))
    return sources


def _given(content: Content) -> Content:
    return {param: value for param, value in content.items() if value is not None}
