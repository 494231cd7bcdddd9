"""Interpret responses of a Librato API: accepted, rejected for good, or to be retried; pure."""

from __future__ import annotations

import re

import msgspec
from twisted.web.http_headers import Headers

from zibrato.backends.http_responses import (
    MAX_WAIT,
    PROXY_REFUSES,
    SLOW,
    Response,
    error_message,
    retry_after,
)
from zibrato.backends.posting import Verdict
from zibrato.interfaces import RetryLater

_RATE_LIMITS = (b"X-Librato-RateLimit-Agg", b"X-Librato-RateLimit-Std")
_FIELD = re.compile(r"(\w+)=(-?\d{1,15})")
_SAYS_LIMITED = re.compile(rb"rate.?limit|too many requests", re.I)
_ELSEWHERE = frozenset({404, 405, 410, 421})


class _Summary(msgspec.Struct):
    total: int = 0
    accepted: int = 0


class _Measurements(msgspec.Struct):
    summary: _Summary = msgspec.field(default_factory=_Summary)


class _Errors(msgspec.Struct):
    """The tagged API's response to a request that it has accepted in part."""

    errors: list[object] | dict[str, object] = []
    measurements: _Measurements = msgspec.field(default_factory=_Measurements)


def classify(response: Response, now: float) -> Verdict:
    """Return what became of a request, which may be accepted in part.

    `now` is the Unix time. Raises RetryLater if the same request may be accepted later. Its reason
    never quotes the server, so that it is the same for every attempt.
    """
    status = response.status
    if 200 <= status < 300:
        return _accepted(response.body)
    if status == 429 or (status == 403 and _is_limited(response)):
        raise RetryLater(f"the rate limit is reached ({status})", _wait(response.headers, now))
    if status in {408, 425} or status >= 500:
        raise RetryLater(f"the server answered {status}", _wait(response.headers, now))
    if status == 401:
        raise RetryLater(
            "401, the username or the API key is wrong; correct it and reload (HUP)", SLOW
        )
    if status in {402, 403}:
        # No measurement is at fault, but the account is blocked, or the key may only read.
        raise RetryLater(
            f"{status}, the account or the API key may not write; correct it and reload (HUP)", SLOW
        )
    if status == 407:
        raise RetryLater(PROXY_REFUSES, SLOW)
    if status in _ELSEWHERE or status < 400:
        raise RetryLater(
            f"{status}, no Librato API is there; correct the hostname or the apipath", SLOW
        )
    return Verdict(f"{status} {error_message(response.body)}".rstrip())


def _accepted(body: bytes) -> Verdict:
    """Return how many measurements of an accepted request are rejected, which its errors list."""
    try:
        answer = msgspec.json.decode(body, type=_Errors)
    except (ValueError, RecursionError):  # it was accepted, whatever the body is
        return Verdict()
    if not answer.errors:
        return Verdict()
    summary = answer.measurements.summary
    return Verdict(
        None, max(summary.total - summary.accepted, len(answer.errors)), error_message(body)
    )


def _limits(headers: Headers) -> list[dict[str, int]]:
    """Return the fields limit, remaining and reset of each rate limit header."""
    values = [value for name in _RATE_LIMITS for value in _texts(headers, name)]
    return [{name: int(number) for name, number in _FIELD.findall(value)} for value in values]


def _texts(headers: Headers, name: bytes) -> list[str]:
    return [value.decode("latin-1") for value in headers.getRawHeaders(name, [])]


def _is_limited(response: Response) -> bool:
    """Return whether a 403 is about the rate of requests, not about their content."""
    if response.headers.hasHeader("Retry-After") or _SAYS_LIMITED.search(response.body):
        return True
    return any(limit.get("remaining", 1) <= 0 for limit in _limits(response.headers))


def _wait(headers: Headers, now: float) -> float:
    """Return the seconds that the server asks to wait, at most an hour; 0 if it doesn't ask."""
    limits = _limits(headers)
    spent = [limit for limit in limits if limit.get("remaining", 1) <= 0] or limits
    resets = [limit["reset"] - now for limit in spent if "reset" in limit]
    return min(max([retry_after(headers, now), *resets]), MAX_WAIT)
