"""A WSGI application whose every request is counted and timed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from zibrato import Zibrato

z = Zibrato(linger=60)
z.count("imported")
print("application imported", flush=True)


@z.time_me(name="handled")
@z.count_me(name="requests")
def application(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """Answer with nothing; the path says how much more is to be counted."""
    z.count("asked", value=int(environ["PATH_INFO"].strip("/")))
    start_response("200 OK", [("Content-Length", "0")])
    return []
