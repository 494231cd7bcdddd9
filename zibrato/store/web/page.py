"""The page: its files and its live events."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.web.iweb import IRequest
from twisted.web.server import Request

from zibrato.store.api.responses import error_response, not_found, with_error_responses
from zibrato.store.store import Store
from zibrato.store.web.events import MAX_SUBSCRIBERS, Subscriber

STATIC = Path(__file__).parent / "static"
# Systems differ in their types for these, and a browser runs scripts only of this type.
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html",
          ".svg": "image/svg+xml", ".txt": "text/plain"}  # fmt: skip


class StaticFile(NamedTuple):
    """A file with its headers, ready to be sent."""

    content: bytes
    type: bytes
    etag: bytes


class Page:
    """Serves the page at / and its files below /static; browsers revalidate them each time."""

    app = with_error_responses(Klein())

    def __init__(self, store: Store, files: Mapping[str, StaticFile]) -> None:
        self._store = store
        self._files = files

    @app.route("/", methods=["GET"])
    def index(self, request: IRequest) -> bytes:
        """Answer with the page."""
        return self._file(request, "index.html")

    @app.route("/favicon.ico", methods=["GET"])
    def icon(self, request: IRequest) -> bytes:
        """Answer with the icon, at the path where browsers look for it."""
        return self._file(request, "icon.svg")

    @app.route("/static/<path:name>", methods=["GET"])
    def static(self, request: IRequest, name: str) -> bytes:
        """Answer with a file of the page."""
        return self._file(request, name)

    @app.route("/events", methods=["GET"])
    async def events(self, request: Request) -> bytes:
        """Answer with live events until the client leaves."""
        await self._store.ready()
        if len(self._store.live.subscribers) >= MAX_SUBSCRIBERS:
            return error_response(request, 503, {"system": ["too many pages have subscribed"]})
        Subscriber(request, self._store.live, self._store.database.clock).start()
        endless: Deferred[bytes] = Deferred()  # klein cancels it when the client leaves
        return await endless

    def _file(self, request: IRequest, name: str) -> bytes:
        file = self._files.get(name)
        if file is None:
            raise not_found()
        request.setHeader(b"Content-Type", file.type)
        request.setHeader(b"Cache-Control", b"no-cache")
        return b"" if request.setETag(file.etag) else file.content


def load_files(root: Path) -> dict[str, StaticFile]:
    """Return the files below a directory, by their relative paths.

    They are read once. So the page stays at one version while an upgrade replaces the files, and no
    requested path ever reaches the file system.
    """
    return {
        path.relative_to(root).as_posix(): _static_file(path)
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def _static_file(path: Path) -> StaticFile:
    content = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    etag = f'"{sha256(content).hexdigest()[:32]}"'.encode()
    return StaticFile(content, _with_charset(kind or "application/octet-stream"), etag)


def _with_charset(kind: str) -> bytes:
    return f"{kind}; charset=utf-8".encode() if kind.startswith("text/") else kind.encode()
