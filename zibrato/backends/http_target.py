"""The target of a backend that posts, from its settings url, headers and proxy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from zibrato.backends.http_proxy import Proxy
from zibrato.backends.http_responses import scrubbed

__all__ = ["NAMES", "SECRETS", "HttpTarget"]

NAMES = ("url", "headers", "proxy")
"""The settings that make up a target."""
SECRETS = ("headers", "proxy")
_URL = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[^]\s/@?#:[]+)(?::(\d{1,5}))?(?:/[^\s#]*)?", re.I | re.A
)
_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+)=([\x20-\x7e]+)")


@dataclass(frozen=True)
class HttpTarget:
    """A URL, headers that each request needs to be accepted, and a proxy."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    proxy: Proxy | None = field(repr=False)

    @classmethod
    def parse(cls, settings: Mapping[str, str], default: str | None = None) -> HttpTarget:
        """Parse settings to a target; raises ValueError with one line that shows no secret."""
        url = (settings.get("url") or default or "").strip()
        match = _URL.fullmatch(url)
        if not match or not 0 < int(match[1] or 80) < 65536:
            shown = "one with a user or a password" if "@" in url else repr(url.partition("?")[0])
            raise ValueError(
                f"url: expected http[s]://HOST[:PORT]/PATH, got {shown}; credentials go into "
                "headers=NAME=VALUE"
            )
        proxy = Proxy.parse(settings["proxy"]) if settings.get("proxy") else None
        return cls(url, _headers(settings.get("headers", "")), proxy)

    @property
    def shown(self) -> str:
        """The URL for the log, without its query: some servers accept a query as credentials."""
        path, mark, _ = self.url.partition("?")
        return f"{path}{mark and '?…'}"

    def scrubbed(self, text: str) -> str:
        """Return `text` without the values of the headers, which an error page may quote."""
        values = self.headers.values()
        # Remove values without their first word, too: of `Bearer TOKEN`, a server may quote only
        # the token.
        return scrubbed(text, [*values, *(value.rpartition(" ")[2] for value in values)])


def _headers(text: str) -> Mapping[str, str]:
    headers = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _HEADER.fullmatch(part)
        if not match:
            raise ValueError("headers: expected NAME=VALUE, with commas between several")
        headers[match[1]] = match[2]
    return headers
