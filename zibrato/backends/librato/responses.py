"""What a Librato API's answer means: accepted, rejected for good, or to be tried again; pure."""

from __future__ import annotations

import re
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import msgspec
from twisted.web.http_headers import Headers

from zibrato.interfaces import RetryLater

SLOW = 300.0
"""Seconds between tries of what only people can mend."""
MAX_WAIT = 3600.0
"""Seconds of a Retry-After that are honoured at most: a server's slip must not end the shipping."""
MAX_MESSAGE = 200
"""Characters of what a server says that go into the log."""
_RATE_LIMITS = (b"X-Librato-RateLimit-Agg", b"X-Librato-RateLimit-Std")
_FIELD = re.compile(r"(\w+)=(-?\d{1,15})")
_SAYS_LIMITED = re.compile(rb"rate.?limit|too many requests", re.I)
_ELSEWHERE = frozenset({404, 405, 407, 410, 421})


class Response(NamedTuple):
    """The answer to one request: `body` may be cut short."""

    status: int
    headers: Headers
    body: bytes


def classify(response: Response, now: float) -> str | None:
    """Return None where the request was accepted, else why it is rejected for good.

    `now` is the Unix time. Raises RetryLater where the same request may be accepted later; its
    reason never quotes the server, so that it is the same for every try.
    """
    status = response.status
    if 200 <= status < 300:
        return None
    if status == 429 or (status == 403 and _is_limited(response)):
        raise RetryLater(f"the rate limit is reached ({status})", _wait(response.headers, now))
    if status == 408 or status >= 500:
        raise RetryLater(f"the server answered {status}", _wait(response.headers, now))
    if status == 401:
        raise RetryLater(
            "401, the username or the API key is wrong; mend it and reload (HUP)", SLOW
        )
    if status in _ELSEWHERE or status < 400:
        raise RetryLater(
            f"{status}, no Librato API is there; mend the hostname or the apipath", SLOW
        )
    return f"{status} {error_message(response.body)}".rstrip()


def error_message(body: bytes) -> str:
    """Return what a body says of an error in any of the known shapes, in one short line."""
    try:
        content = msgspec.json.decode(body)
        if isinstance(content, dict):
            content = content.get("errors") or content.get("error") or content
        text = _flat(content)
    except (ValueError, RecursionError):  # plain text, or too deep to be meant
        text = body.decode(errors="replace")
    text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return text if len(text) <= MAX_MESSAGE else f"{text[:MAX_MESSAGE]}…"


def _flat(content: object) -> str:
    if isinstance(content, dict):
        return ", ".join(f"{key}: {_flat(value)}" for key, value in content.items())
    if isinstance(content, list):
        return ", ".join(map(_flat, content))
    return str(content)


def _limits(headers: Headers) -> list[dict[str, int]]:
    """Return the fields limit, remaining and reset of each rate limit header."""
    values = [value for name in _RATE_LIMITS for value in _texts(headers, name)]
    return [{name: int(number) for name, number in _FIELD.findall(value)} for value in values]


def _texts(headers: Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1") for value in headers.getRawHeaders(name, [])]


def _is_limited(response: Response) -> bool:
    """Return whether a 403 is about the rate of requests, not about what they hold."""
    if response.headers.hasHeader("Retry-After") or _SAYS_LIMITED.search(response.body):
        return True
    return any(limit.get("remaining", 1) <= 0 for limit in _limits(response.headers))


def _wait(headers: Headers, now: float) -> float:
    """Return the seconds to wait that the server asks for, at most an hour; 0 where it doesn't."""
    asked = [_retry_after(value, now) for value in _texts(headers, b"Retry-After")]
    limits = _limits(headers)
    spent = [limit for limit in limits if limit.get("remaining", 1) <= 0] or limits
    asked += [limit["reset"] - now for limit in spent if "reset" in limit]
    return min(max([0.0, *asked]), MAX_WAIT)


def _retry_after(value: str, now: float) -> float:
    """Return the seconds of a Retry-After header: a number of them, or a date."""
    if re.fullmatch(r"\s*\d{1,9}\s*", value, re.ASCII):
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return date.replace(tzinfo=date.tzinfo or timezone.utc).timestamp() - now
