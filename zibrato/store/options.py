"""The store on the command line.

Imported whenever options are parsed, so it imports nothing of the store.
"""

from __future__ import annotations

from collections.abc import Mapping

from zibrato.interfaces import BackendOption

MAX_SERIES = "max-stored-series"
DEFAULT = "100000"
OPTIONS = (
    BackendOption("store", "File to keep measurements in, beside other backends or as the only"),
    BackendOption(
        MAX_SERIES, "Series that the store has in memory; more are in its file", default=DEFAULT
    ),
)
SECRETS = ()
RELOADED = ()
ASKED_BY = "store"
SUMMARY = "a store of its own with a web page"
WEB = "tcp:5580:interface=127.0.0.1"


def settings(
    options: Mapping[str, str | None], _environment: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the path, an empty one being the default, and the bound of series in memory.

    Raises ValueError.
    """
    number = options.get(MAX_SERIES) or DEFAULT
    if not number.isdecimal() or not int(number):
        raise ValueError(f"--{MAX_SERIES}: expected a whole number above 0, got {number!r}")
    return {"path": options["store"] or "", "max_stored_series": number}
