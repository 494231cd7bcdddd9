"""A Librato account: the URL that measurements are posted to, and the credentials."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from zibrato.backends.http_responses import scrubbed
from zibrato.backends.librato.options import APIPATH, HOSTNAME
from zibrato.backends.settings import check_names

LEGACY, TAGGED = "legacy", "tagged"
_RESOURCES = {LEGACY: "metrics", TAGGED: "measurements"}
_HOSTNAME = re.compile(
    r"(?:(https?)://)?((?:\[[0-9a-f:.]+\]|[^]\s/@?#:[]+)(?::(\d{1,5}))?)/?", re.I | re.A
)
_APIPATH = re.compile(r"[^\s?#]*")


@dataclass(frozen=True)
class Account:
    """A URL and credentials; the repr never shows the key."""

    url: str
    username: str
    apikey: str = field(repr=False)
    api: str = LEGACY

    @classmethod
    def parse(cls, settings: Mapping[str, str]) -> Account:
        """Parse the account from the settings username, apikey, hostname, apipath and api.

        The first two are required. The host name may include a scheme and a port. Raises ValueError
        with one line for people.
        """
        check_names(settings, "username", "apikey", "hostname", "apipath", "api", "proxy")
        username = settings.get("username", "").strip()
        apikey = settings.get("apikey", "").strip()
        if not username:
            raise ValueError("username: expected the account's user name; give --username USER")
        if ":" in username:  # in HTTP credentials, the first colon ends the user name
            raise ValueError(f"username: expected no colon, got {username!r}; give --username USER")
        if not apikey:
            raise ValueError(
                "apikey: expected the account's API key; give $ZIBRATO_APIKEY, --apikey-file FILE "
                "or --apikey KEY"
            )
        api = settings.get("api") or LEGACY
        if api not in _RESOURCES:
            raise ValueError(f"api: expected legacy or tagged, got {api!r}")
        base = _url(settings.get("hostname") or HOSTNAME, settings.get("apipath") or APIPATH)
        return cls(base + _RESOURCES[api], username, apikey, api)

    def scrubbed(self, text: str) -> str:
        """Return `text` without the key, which a server's error page may quote."""
        token = b64encode(f"{self.username}:{self.apikey}".encode()).decode()
        return scrubbed(text, (self.apikey, token))


def _url(hostname: str, apipath: str) -> str:
    """Return the base URL for posting measurements, which ends with a slash."""
    host = _HOSTNAME.fullmatch(hostname.strip())
    if not host or not 0 < int(host[3] or 80) < 65536:
        raise ValueError(
            f"hostname: expected NAME, NAME:PORT or http[s]://NAME:PORT, got {hostname!r}; "
            f"a path goes into --apipath"
        )
    if not _APIPATH.fullmatch(apipath.strip()):
        raise ValueError(f"apipath: expected a path such as {APIPATH}, got {apipath!r}")
    path = apipath.strip().strip("/")
    base = f"{(host[1] or 'https').lower()}://{host[2]}"
    return f"{base}/{path}/" if path else f"{base}/"
