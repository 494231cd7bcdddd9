"""The page: its files, what it asks for under /data, and its live events."""

from __future__ import annotations

import mimetypes
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from klein import Klein
from twisted.internet.defer import Deferred
from twisted.web.iweb import IRequest
from twisted.web.server import Request

from zibrato.store.api.requests import first_values, number, parameters
from zibrato.store.api.responses import (
    bad_parameter,
    error_response,
    json_response,
    not_found,
    with_error_responses,
)
from zibrato.store.backend import StoreBackend
from zibrato.store.db import annotation_events
from zibrato.store.db.reader import Reader
from zibrato.store.live import Health, LiveSeries
from zibrato.store.web.events import MAX_SUBSCRIBERS, Subscriber
from zibrato.store.web.plot_data import picture

STATIC = Path(__file__).parent / "static"
MAX_SERIES = 1000
MAX_POINTS = 12_000
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html",
          ".svg": "image/svg+xml", ".txt": "text/plain"}  # fmt: skip


class SeriesList(msgspec.Struct):
    """The list of all series, as of the Unix time `now`; `interval` is in seconds."""

    now: float
    interval: float
    series: list[LiveSeries]


class HealthList(msgspec.Struct):
    """The daemon's own series."""

    series: list[Health]


class DataApi:
    """What there is below /data."""

    app = with_error_responses(Klein())

    def __init__(self, store: StoreBackend) -> None:
        self._store = store
        self._database = store.database

    @app.route("/series", methods=["GET"])
    async def series(self, request: IRequest) -> bytes:
        """Answer with every series and its newest intervals."""
        await self._store.ready()
        now, live = self._database.clock.seconds(), self._store.live
        return await self._json(request, lambda _: SeriesList(now, live.interval, live.series(now)))

    @app.route("/plot", methods=["GET"])
    async def plot(self, request: IRequest) -> bytes:
        """Answer with the series `ids` from `start` to `end`, in about so many `points`."""
        params = first_values(parameters(request))
        ids = _ids(params.get("ids", ""))
        now = self._database.clock.seconds()
        start = _or(number(params, "start"), now - 3600)
        end = _or(number(params, "end"), now)
        points = int(_or(number(params, "points"), 600))
        if not 0 <= start < end:
            raise bad_parameter("start", "is not before end")
        if not 1 <= points <= MAX_POINTS:
            raise bad_parameter("points", f"is not from 1 to {MAX_POINTS}")

        def work(reader: Reader) -> object:
            series = reader.series_by_ids(ids)
            return picture(reader.plot([*series], start, end, now, points), series)

        return await self._json(request, work)

    @app.route("/annotations", methods=["GET"])
    async def annotations(self, request: IRequest) -> bytes:
        """Answer with the events of all streams from `start` to `end`."""
        params = first_values(parameters(request))
        now = self._database.clock.seconds()
        start, end = _or(number(params, "start"), now - 3600), _or(number(params, "end"), now)

        def work(reader: Reader) -> object:
            return [_marker(e) for e in annotation_events.between(reader.connection, start, end)]

        return await self._json(request, work)

    @app.route("/health", methods=["GET"])
    async def health(self, request: IRequest) -> bytes:
        """Answer with the daemon's own series."""
        return json_response(request, HealthList(self._store.live.health()))

    async def _json(self, request: IRequest, work: Any) -> bytes:
        """Answer with what `work` returns, encoded in the same thread."""
        body = await self._database.read(lambda reader: msgspec.json.encode(work(reader)))
        request.setHeader(b"Content-Type", b"application/json")
        request.setHeader(b"Cache-Control", b"no-store")
        return body


class PageFiles:
    """The page at / and its files below /static, checked anew by the browser each time."""

    app = with_error_responses(Klein())

    def __init__(self, store: StoreBackend, root: Path = STATIC) -> None:
        self._store = store
        self._root = root

    @app.route("/", methods=["GET"])
    def index(self, request: IRequest) -> bytes:
        """Answer with the page."""
        return self._file(request, "index.html")

    @app.route("/favicon.ico", methods=["GET"])
    def icon(self, request: IRequest) -> bytes:
        """Answer with the icon, where browsers look for it."""
        return self._file(request, "icon.svg")

    @app.route("/static/<path:name>", methods=["GET"])
    def static(self, request: IRequest, name: str) -> bytes:
        """Answer with a file of the page."""
        return self._file(request, name)

    @app.route("/events", methods=["GET"])
    async def events(self, request: Request) -> bytes:
        """Answer with live events for as long as the client listens."""
        await self._store.ready()
        if len(self._store.live.subscribers) >= MAX_SUBSCRIBERS:
            return error_response(request, 503, {"system": ["too many pages have subscribed"]})
        Subscriber(request, self._store.live, self._store.database.clock).start()
        endless: Deferred[bytes] = Deferred()  # klein cancels it when the client goes
        return await endless

    def _file(self, request: IRequest, name: str) -> bytes:
        path = (self._root / name).resolve()
        if not path.is_relative_to(self._root.resolve()) or not path.is_file():
            raise not_found()
        content = path.read_bytes()
        kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
        request.setHeader(b"Content-Type", _typed(kind or "application/octet-stream"))
        request.setHeader(b"Cache-Control", b"no-cache")
        tag = f'"{sha256(content).hexdigest()[:32]}"'.encode()
        return b"" if request.setETag(tag) else content


def _marker(event: annotation_events.Event) -> dict[str, object]:
    """Return an event as the page draws it."""
    return {
        "stream": event.stream,
        "title": event.title,
        "start": event.start_time,
        "end": event.end_time,
        "source": event.source or None,
        "description": event.description,
    }


def _typed(kind: str) -> bytes:
    return f"{kind}; charset=utf-8".encode() if kind.startswith("text/") else kind.encode()


def _ids(text: str) -> list[int]:
    ids = [int(each) for each in text.split(",") if each.isdecimal() and len(each) < 12]
    if not ids or len(ids) > MAX_SERIES:
        raise bad_parameter("ids", f"are not 1 to {MAX_SERIES} numbers with commas between them")
    return ids


def _or(value: float | None, other: float) -> float:
    return other if value is None else value
