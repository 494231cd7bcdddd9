"""/v1/sources: where things were measured, to be read; a source has no name for people here."""

from __future__ import annotations

from klein import Klein
from twisted.web.iweb import IRequest

from zibrato.store.api.parameters import paging, parameters
from zibrato.store.api.requests import Content
from zibrato.store.api.responses import json_response, not_found, with_error_responses
from zibrato.store.db import sources
from zibrato.store.store import Store


class SourcesApi:
    """What there is below /v1/sources."""

    app = with_error_responses(Klein())

    def __init__(self, store: Store) -> None:
        self._database = store.database

    @app.route("/", methods=["GET"])
    async def page(self, request: IRequest) -> bytes:
        """Answer with a page of the sources that have `name` in their name."""
        page = paging(parameters(request))
        total, found, names = await self._database.read(
            lambda reader: sources.page(reader.connection, *page)
        )
        shown = [_content(name) for name in names]
        return json_response(request, page.content("sources", total, found, shown))

    @app.route("/<name>", methods=["GET"])
    async def get(self, request: IRequest, name: str) -> bytes:
        """Answer with a source."""
        found = await self._database.read(lambda reader: sources.named(reader.connection, name))
        if found is None:
            raise not_found()
        return json_response(request, _content(found))


def _content(name: str) -> Content:
    return {"name": name, "display_name": None}
