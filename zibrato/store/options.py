"""The store's command line options.

This module is imported whenever options are parsed, so it imports nothing of the store.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from zibrato.interfaces import BackendOption

SERIES_BOUND = "max-stored-series"
DEFAULT = "100000"
OPTIONS = (
    BackendOption("store", "File to keep measurements in; adds the store to other backends"),
    BackendOption(
        SERIES_BOUND, "Series that the store keeps in memory; its file has all", default=DEFAULT
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
    """Return the path (empty for the default) and the bound of series in memory.

    Raises ValueError.
    """
    number = options.get(SERIES_BOUND) or DEFAULT
    series_bound(f"--{SERIES_BOUND}", number)
    return {"path": options["store"] or "", "max_stored_series": number}


def series_bound(name: str, text: str) -> int:
    """Parse the bound of series in memory; raises ValueError, which names the option."""
    number = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
    if not number:
        raise ValueError(
            f"{name}: expected a whole number from 1 to 999,999,999, got {text[:64]!r}; "
            f"write {DEFAULT} for a hundred thousand"
        )
    return number
