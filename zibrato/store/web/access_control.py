"""Access control by Host header, origin of the asking page, and credentials."""

from __future__ import annotations

import hmac
import ipaddress
import re
import socket
from collections.abc import Callable, Collection, Mapping
from math import ceil
from pathlib import Path
from time import monotonic
from urllib.parse import unquote_to_bytes

from twisted.web.iweb import IRequest
from twisted.web.resource import Resource, getChildForRequest

from zibrato.files import secret_file
from zibrato.store.api.requests import MAX_BODY
from zibrato.store.api.responses import error_response
from zibrato.store.web.attempts import Attempts
from zibrato.store.web.credentials_log import CredentialsLog

HEADERS = {
    b"Content-Security-Policy": b"default-src 'none'; script-src 'self'; style-src 'self'; "
    b"connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'",
    b"X-Content-Type-Options": b"nosniff",
    b"X-Frame-Options": b"DENY",
    b"Referrer-Policy": b"no-referrer",
    b"Cross-Origin-Resource-Policy": b"same-origin",
    b"Cross-Origin-Opener-Policy": b"same-origin",
}
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\s]+)(?::\d+)?", re.I)


class Credentials:
    """The user name and password that are required, from a file that holds user:password."""

    def __init__(self, path: Path) -> None:
        self._pair = secret_file.read_credentials(path).encode()

    def __repr__(self) -> str:
        return "<Credentials ***>"

    def match(self, user: bytes, password: bytes) -> bool:
        """Return whether both match, in a time that reveals nothing about them."""
        return hmac.compare_digest(self._pair, user + b":" + password)


def read_credentials(path: Path | None) -> Credentials | None:
    """Read the credentials from a file, if there is one; raises ValueError, one line for people."""
    try:
        return None if path is None else Credentials(path)
    except ValueError as error:
        raise ValueError(f"--web-credentials: {error}") from None


class AccessControl(Resource):
    """Passes requests that may pass on to the resources below `root`.

    A Host header must be an address, or one of `names` if these are given. This prevents DNS
    rebinding: an attacker can make a name of his own resolve to this server, and his page would
    then have the same origin as this one and could read everything. A page of another origin may
    link to this page, but may send no other request: its browser would keep the responses from it,
    but the requests would still cost this server work. No request body is read here. The paths in
    `public` are answered without credentials if the request offers none.
    """

    isLeaf = True

    def __init__(
        self,
        root: Resource,
        names: Collection[str] | None,
        credentials: Credentials | None,
        clock: Callable[[], float] = monotonic,
        *,
        public: Mapping[bytes, Resource] | None = None,
    ) -> None:
        Resource.__init__(self)
        self._root = root
        self._names = None if names is None else {name.lower() for name in names}
        self._credentials = credentials
        self._clock = clock
        self._public = public or {}
        self._attempts = Attempts(clock)
        self._credentials_log = CredentialsLog(clock)

    def reload(self, credentials: Credentials) -> None:
        """Replace the credentials; ones that were wrong before may be right now."""
        self._credentials = credentials
        self._attempts = Attempts(self._clock)

    def render(self, request: IRequest) -> bytes | int:
        """Answer a request, or reject it."""
        body = self._render(request)
        if request.method == b"HEAD" and isinstance(body, bytes):
            # If a response to HEAD had a body, Twisted would log that it is left out, at every
            # probe of a load balancer.
            request.setHeader(b"Content-Length", b"%d" % len(body))
            return b""
        return body

    def _render(self, request: IRequest) -> bytes | int:
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        if getattr(request, "too_large", False):  # only a BoundedRequest has this
            request.setHeader(b"Connection", b"close")
            return _rejected(request, 413, f"more than {MAX_BODY} bytes")
        if not self._known_host(request):
            return _rejected(request, 403, "the Host header names another server")
        if _is_cross_site(request) and not _is_visit(request):
            return _rejected(request, 403, "the request comes from another site")
        if self._credentials is not None:
            if request.path in self._public and not request.getHeader(b"authorization"):
                answer: bytes | int = self._public[request.path].render(request)
                return answer
            rejection = self._without(request, self._credentials)
            if rejection is not None:
                return rejection
        if _is_multipart(request):
            return _rejected(request, 415, "the body must be JSON or a form, and not multipart")
        if not _is_text(request.path):
            return _rejected(request, 400, "the path is not UTF-8")
        content: bytes | int = getChildForRequest(self._root, request).render(request)
        return content

    def _known_host(self, request: IRequest) -> bool:
        header = request.getHeader(b"host")
        if self._names is None or header is None:  # an HTTP/1.0 probe: browsers always send one
            return True
        match = _HOST.fullmatch(header.decode("latin-1"))
        if not match:
            return False
        host = match[1].lower().rstrip(".")  # `localhost.` is the same name
        return host in self._names or _is_address(host)

    def _without(self, request: IRequest, credentials: Credentials) -> bytes | None:
        """Return the response to a request without the credentials, or None if it has them."""
        offered = request.getHeader(b"authorization")
        if not offered:  # a browser's first request has none
            return _unauthorised(request)
        address = request.getClientAddress()
        host = getattr(address, "host", None)  # a client of a Unix socket has none
        wait = ceil(self._attempts.wait(host, offered))
        if wait:
            request.setHeader(b"Retry-After", b"%d" % wait)
            message = f"too many wrong user names or passwords: wait for {wait} s"
            return _rejected(request, 429, message)
        if credentials.match(request.getUser(), request.getPassword()):
            return None
        self._attempts.wrong(host, offered)
        self._credentials_log.wrong(address)
        return _unauthorised(request)


def known_names(loopback: bool) -> set[str]:
    """Return the names by which this host may be asked for; a loopback address allows no others."""
    names = {"localhost", "ip6-localhost"}
    return names if loopback else names | {socket.gethostname().lower(), socket.getfqdn().lower()}


def _rejected(request: IRequest, status: int, message: str) -> bytes:
    return error_response(request, status, {"request": [message]})


def _unauthorised(request: IRequest) -> bytes:
    request.setResponseCode(401)
    request.setHeader(b"WWW-Authenticate", b'Basic realm="Zibrato", charset="UTF-8"')
    request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
    return b"Authorization Required"


def _is_cross_site(request: IRequest) -> bool:
    """Return whether a browser says that a page of another origin sends the request.

    Programs send none of these headers. `same-site` means another port or subdomain of this host,
    which may be anybody's. Over plain HTTP, browsers send Sec-Fetch-Site only to this host itself;
    they send Origin with every request that changes something, and Referer with the others, unless
    the asking page forbids that.
    """
    site = request.getHeader(b"sec-fetch-site")
    if site in {b"cross-site", b"same-site"}:
        return True
    origin = request.getHeader(b"origin")
    if origin is None and site is None:
        origin = request.getHeader(b"referer")
    host = request.getHeader(b"host") or b""
    return origin is not None and _authority(origin) != host.lower()


def _authority(url: bytes) -> bytes:
    """Return host and port of a URL or of an origin."""
    return url.partition(b"://")[2].partition(b"/")[0].lower()


def _is_visit(request: IRequest) -> bool:
    """Return whether a browser opens the page itself, as by a link; a Referer alone is unclear."""
    told = any(request.getHeader(name) is not None for name in (b"sec-fetch-site", b"origin"))
    navigates = request.getHeader(b"sec-fetch-mode") == b"navigate" or not told
    return navigates and request.method in {b"GET", b"HEAD"} and request.path == b"/"


def _is_multipart(request: IRequest) -> bool:
    kind = request.getHeader(b"content-type") or b""
    return kind.strip().lower().startswith(b"multipart/")


def _is_text(path: bytes) -> bool:
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
