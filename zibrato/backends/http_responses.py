"""What responses of all HTTP servers have in common: error messages, and how long to wait.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import msgspec
from twisted.web.http_headers import Headers

from zibrato.interfaces import RetryLater

__all__ = [
    "MAX_MESSAGE",
    "MAX_WAIT",
    "MIN_SECRET",
    "PROXY_REFUSES",
    "SLOW",
    "Response",
    "error_message",
    "one_line",
    "raise_later",
    "retry_after",
    "scrubbed",
]

SLOW = 300.0
"""Seconds between attempts if only people can solve the problem."""
MAX_WAIT = 3600.0
"""The longest Retry-After that is obeyed, in seconds: a server's slip must not end shipping."""
MAX_MESSAGE = 200
"""Characters of a server's message that are logged."""
PROXY_REFUSES = "407, the proxy rejects its user or password; correct them"
MIN_SECRET = 6
"""Characters; a shorter secret would be found in any text."""


_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_OF_GATEWAYS = 520
"""From here on, statuses come from a gateway of a server that is down, such as Cloudflare."""
_ELSEWHERE = frozenset({301, 302, 303, 307, 308, 404, 405, 410, 421})


class Response(NamedTuple):
    """The response to one request; `body` may be cut short."""

    status: int
    headers: Headers
    body: bytes


def error_message(body: bytes) -> str:
    """Return the error message of a body in any of the known formats, as one line."""
    try:
        content = msgspec.json.decode(body)
        if isinstance(content, dict):
            content = content.get("errors") or content.get("error") or content
        text = _flat(content)
    except (ValueError, RecursionError):  # plain text, or nested too deeply to be one of them
        text = body.decode(errors="replace")
    return one_line(text)


def one_line(text: str) -> str:
    """Return a server's text as one line that is safe for a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def scrubbed(text: str, secrets: Iterable[str]) -> str:
    """Return a server's text, cut short, without the secrets that it quotes."""
    for secret in secrets:
        if len(secret) >= MIN_SECRET:
            text = text.replace(secret, "***")
    # Cut only now: a secret that was cut wouldn't be found.
    return text if len(text) <= MAX_MESSAGE else f"{text[:MAX_MESSAGE]}…"


def retry_after(headers: Headers, now: float) -> float:
    """Return the seconds that Retry-After asks to wait, at most an hour; 0 without the header.

    `now` is the Unix time.
    """
    values = headers.getRawHeaders(b"Retry-After", [])
    asked = [_seconds(value.decode("latin-1"), now) for value in values]
    return min(max([0.0, *asked]), MAX_WAIT)


def raise_later(response: Response, now: float, what: str, says: str) -> None:
    """Raise RetryLater for a status that asks to try again, or that only people can resolve.

    `what` is what was posted, `says` is the server's message, `now` is the Unix time.
    """
    status = response.status
    if status in _LATER or status >= _OF_GATEWAYS:
        reason = f"the server answered {status} {says}".rstrip()
        raise RetryLater(reason, retry_after(response.headers, now))
    if status == 407:
        raise RetryLater(PROXY_REFUSES, SLOW)
    if status in {401, 402, 403}:
        raise RetryLater(
            f"{status}, the server refuses access; correct the headers and reload (HUP)", SLOW
        )
    if status in _ELSEWHERE:
        raise RetryLater(
            f"{status}, the server accepts no {what} at this URL; correct the url", SLOW
        )


def _flat(content: object) -> str:
    if isinstance(content, dict):
        return ", ".join(f"{key}: {_flat(value)}" for key, value in content.items())
    if isinstance(content, list):
        return ", ".join(map(_flat, content))
    return str(content)


def _seconds(value: str, now: float) -> float:
    """Return the seconds of a Retry-After header, which is a number of seconds or a date."""
    if re.fullmatch(r"\s*\d{1,9}\s*", value, re.ASCII):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    # A date in -0000 is parsed without a zone, but it is in UTC.
    return date.replace(tzinfo=date.tzinfo or timezone.utc).timestamp() - now
