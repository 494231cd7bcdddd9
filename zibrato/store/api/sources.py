"""/v1/sources: where things were measured."""

from __future__ import annotations

from klein import Klein
from twisted.web.iweb import IRequest

from zibrato.store.api.parameters import paging, parameters
from zibrato.store.api.requests import (
    content_of,
    optional_text,
    reject_unknown,
    required_source,
)
from zibrato.store.api.responses import (
    created,
    json_response,
    no_content,
    not_found,
    with_error_responses,
)
from zibrato.store.db import sources
from zibrato.store.store import Store


class SourcesApi:
    """The paths below /v1/sources."""

    app = with_error_responses(Klein())

    def __init__(self, store: Store) -> None:
        self._database = store.database

    @app.route("/", methods=["GET"])
    async def page(self, request: IRequest) -> bytes:
        """Answer with a page of the sources that have `name` in their name."""
        page = paging(parameters(request))
        total, found, every = await self._database.read(
            lambda reader: sources.page(reader.connection, *page)
        )
        shown = [source._asdict() for source in every]
        return json_response(request, page.content("sources", total, found, shown))

    @app.route("/<name>", methods=["GET"])
    async def get(self, request: IRequest, name: str) -> bytes:
        """Answer with a source."""
        source = await self._database.read(lambda reader: sources.named(reader.connection, name))
        if source is None:
            raise not_found()
        return json_response(request, source._asdict())

    @app.route("/<name>", methods=["PUT"])
    async def put(self, request: IRequest, name: str) -> bytes:
        """Set a source's name for people, even if nothing has been received from the source yet."""
        required_source({"name": name}, "name")
        content = content_of(request)
        reject_unknown(content, {"display_name"})
        shown = optional_text(content, "display_name")
        known = await self._database.write(lambda w: sources.put(w.connection, name, shown))
        if known:
            return no_content(request)
        return created(request, {"name": name, "display_name": shown}, "sources", name)
