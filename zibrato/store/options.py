"""The store on the command line.

Imported whenever options are parsed, so it imports nothing of the store.
"""

from __future__ import annotations

from collections.abc import Mapping

from zibrato.interfaces import BackendOption

OPTIONS = (
    BackendOption("store", "File to keep measurements in, beside other backends or as the only"),
)
SECRETS = ()
RELOADED = ()
ASKED_BY = "store"
SUMMARY = "a store of its own with a web page"
WEB = "tcp:5580:interface=127.0.0.1"


def settings(
    options: Mapping[str, str | None], _environment: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the path; an empty one is the default."""
    return {"path": options["store"] or ""}
