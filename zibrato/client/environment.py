"""What the environment says where the arguments of a client say nothing."""

from __future__ import annotations

import os

from zibrato.client.arguments import shown
from zibrato.curve import ClientKeys, Given, client_keys
from zibrato.endpoint import DEFAULT_SOCKET, Endpoint
from zibrato.model import MAX_NAME_LENGTH


def endpoint(socket: str | None, *, bind: bool) -> Endpoint:
    """Return the endpoint of `socket`, else of `$ZIBRATO_SOCKET`, else the default one.

    Raises ValueError with one line for people.
    """
    return Endpoint.of_client(socket or _variable("SOCKET") or DEFAULT_SOCKET, bind=bind)


def curve(given: Given | None) -> ClientKeys | None:
    """Return the keys that were given, else those of the directory `$ZIBRATO_CURVE`, else None.

    Raises TypeError or ValueError with one line for people. Where nothing is recorded the files
    may be missing, as they are where an application is tested.
    """
    return None if is_disabled() else client_keys(given or _variable("CURVE") or None)


def way_back(given: bool | str | None, socket: Endpoint) -> Endpoint | None:
    """Return where acknowledgements come from: what was given, else `$ZIBRATO_ACKNOWLEDGED`.

    Either is an endpoint, or says whether the one that `socket` has is used; None is for none.
    Raises TypeError or ValueError with one line for people.
    """
    if given is not None and not isinstance(given, bool | str):
        raise TypeError(f"acknowledged: expected True, False or an endpoint, got {given!r:.100}")
    chosen = _variable("ACKNOWLEDGED") if given is None else given
    if chosen in {False, "", "0"}:
        return None
    if isinstance(chosen, str) and chosen != "1":
        return Endpoint.of_client(chosen, bind=not socket.connect, what="acknowledged")
    derived = socket.way_back()
    if derived is None:
        raise ValueError(
            f"acknowledged: {socket.address} has no next port; give an endpoint in place of True"
        )
    return derived


def level(given: str | int | None) -> str | int | None:
    """Return the threshold that was given, else `$ZIBRATO_LEVEL`; None lets everything pass."""
    return given or _variable("LEVEL") or None


def source(given: str | None) -> str | None:
    """Return the source that was given, else `$ZIBRATO_SOURCE`, without white space around it.

    Raises ValueError, one line for people, for one that the daemon's `--source` can't be either.
    """
    if given:
        return given
    text = _variable("SOURCE").strip()
    if len(text) > MAX_NAME_LENGTH or not text.isprintable():
        raise ValueError(
            f"$ZIBRATO_SOURCE: expected at most {MAX_NAME_LENGTH} characters that print, "
            f"got {shown(text)}"
        )
    return text or None


def is_disabled() -> bool:
    """Return whether `$ZIBRATO_DISABLED` turns every instrument into a no-op."""
    return _variable("DISABLED") not in ("", "0")


def _variable(name: str) -> str:
    return os.environ.get(f"ZIBRATO_{name}", "")
