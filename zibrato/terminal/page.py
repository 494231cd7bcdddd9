"""HTTP for the commands: a client for one page, without Twisted."""

from __future__ import annotations

import argparse
import http.client
import re
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from zibrato.files.secret_file import read_credentials
from zibrato.printable import printable

DEFAULT_URL = "http://127.0.0.1:5580/"
TIMEOUT = 10.0
"""Seconds to connect, and to wait for more of a response."""
SILENCE = 45.0
"""Seconds of silence after which a page is gone; it sends a sign of life every 15 seconds."""
MAX_BODY = 512 << 20
MAX_LINE = 64 << 20
"""Bytes."""


class UnreachableError(Exception):
    """A page doesn't respond, or not as expected; the text is a line for people."""


class Event(NamedTuple):
    """A live event; its `number` is that of the update that caused it."""

    name: str
    number: int
    data: bytes


class Page:
    """A daemon's page at `url`, which is `http://…`, `https://…` or `unix:PATH`.

    `credentials` is a file with user:password. Raises ValueError, one line for people.
    """

    def __init__(self, url: str, credentials: Path | None = None) -> None:
        self.url = url
        self._path, self._make = _connector(url)
        self._headers = {"Connection": "close"}
        if url.startswith("unix:"):
            self._headers["Host"] = "localhost"  # pages accept this name, and a path isn't one
        if credentials is not None:
            pair = b64encode(_pair(credentials).encode()).decode()
            self._headers["Authorization"] = f"Basic {pair}"

    def get(self, path: str, *accepted: int, within: float = SILENCE) -> bytes:
        """Return the body of the response at a path, relative to the page.

        Raises UnreachableError for any status except 200 and those in `accepted`, for any failure,
        and if the body isn't complete `within` so many seconds.
        """
        with closing(self._make(timeout=TIMEOUT)) as connection:
            try:
                connection.connect()
                with _cut_off(connection.sock, within):
                    body = self._ask(connection, path, accepted).read(MAX_BODY + 1)
            except (OSError, http.client.HTTPException) as error:
                raise self._unreachable(error) from None
            if len(body) > MAX_BODY:
                raise UnreachableError(f"{self.url} answers with more than {MAX_BODY:,} bytes")
            return body

    def events(self) -> Generator[Event, None, None]:
        """Generate live events, after a first one without a name, when the connection is open.

        Raises UnreachableError when the connection ends. Closing the generator closes the
        connection.
        """
        with closing(self._make(timeout=SILENCE)) as connection:
            try:
                response = self._ask(connection, "events", ())
                yield Event("", 0, b"")
                name, number = "", 0
                while line := response.readline(MAX_LINE):
                    field, _, value = line.rstrip(b"\n").partition(b": ")
                    if field == b"event":
                        name = value.decode()
                    elif field == b"id":
                        number = int(value)
                    elif field == b"data":
                        yield Event(name, number, value)
            except (OSError, ValueError, http.client.HTTPException) as error:
                raise self._unreachable(error) from None
            raise UnreachableError(f"{self.url} ended the live events")

    def _ask(
        self, connection: http.client.HTTPConnection, path: str, accepted: tuple[int, ...]
    ) -> http.client.HTTPResponse:
        connection.request("GET", self._path + path, headers=self._headers)
        response = connection.getresponse()
        if response.status in {200, *accepted}:
            return response
        raise UnreachableError(self._refusal(response.status))

    def _refusal(self, status: int) -> str:
        if status in {401, 429}:
            wrong = "too many wrong ones were tried" if status == 429 else "these are wrong"
            has = "Authorization" in self._headers
            why = wrong if has else "give --web-credentials FILE, which holds user:password"
            return f"{self.url} asks for credentials: {why}"
        if status == 404:
            return f"{self.url} is not a page of this version of Zibrato"
        return f"{self.url} answers with status {status}"

    def _unreachable(self, error: Exception) -> UnreachableError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return UnreachableError(
            f"no page answers at {self.url}: {printable(reason or type(error).__name__)}; "
            "is a daemon running, without --web none? Name a page elsewhere with --url"
        )


@contextmanager
def _cut_off(connected: socket.socket, seconds: float) -> Iterator[None]:
    """Shut a connection after so many seconds: a socket's timeout is for each byte, not for all."""
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        with suppress(OSError):  # bypass the TLS layer, which must not be used by two threads
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if not is_late.is_set():
            raise
    finally:
        timer.cancel()
    if is_late.is_set():  # what was received until then may seem complete
        raise TimeoutError("timed out")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add a command's options for the page and its credentials."""
    parser.add_argument("--url", default=DEFAULT_URL, help=f"the page; default: {DEFAULT_URL}")
    parser.add_argument("--web-credentials", metavar="FILE", help="a file with user:password")


def page_of(options: argparse.Namespace) -> Page:
    """Return the page that options specify; raises ValueError, one line for people."""
    file = options.web_credentials
    return Page(options.url, None if file is None else Path(file))


class _UnixConnection(http.client.HTTPConnection):
    """A connection to a UNIX socket, whose path is given as the host."""

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


def _connector(url: str) -> tuple[str, Callable[..., http.client.HTTPConnection]]:
    """Return the base path, and a function that makes connections, given their `timeout`.

    Raises ValueError.
    """
    if url.startswith("unix:") and len(url) > len("unix:") and url.isprintable():
        return "/", partial(_UnixConnection, url.removeprefix("unix:"))
    with suppress(ValueError):  # raised for an invalid port
        parts = urlsplit(url)
        kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
        plain = not (parts.query or parts.fragment or "@" in parts.netloc)
        if parts.scheme in kinds and parts.hostname and plain and re.fullmatch("[!-~]+", url):
            path = parts.path.rstrip("/") + "/"
            return path, partial(kinds[parts.scheme], parts.hostname, parts.port)
    raise ValueError(f"--url: expected a page such as {DEFAULT_URL} or unix:PATH, got {url!r}")


def _pair(file: Path) -> str:
    try:
        return read_credentials(file)
    except ValueError as error:
        raise ValueError(f"--web-credentials: {error}") from None
