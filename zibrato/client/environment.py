"""Defaults from the environment for a client's arguments."""

from __future__ import annotations

import os

from zibrato.client.arguments import shown
from zibrato.curve import ClientKeys, KeyFiles, client_keys
from zibrato.endpoint import DEFAULT_SOCKET, Endpoint
from zibrato.model import MAX_NAME_LENGTH


def endpoint(socket: str | None, *, bind: bool) -> Endpoint:
    """Return the endpoint `socket`, or else `$ZIBRATO_SOCKET`, or else the default endpoint.

    Raises ValueError with one line for people.
    """
    return Endpoint.of_client(socket or _variable("SOCKET") or DEFAULT_SOCKET, bind=bind)


def curve(given: KeyFiles | None) -> ClientKeys | None:
    """Return the given keys, or else those in the directory `$ZIBRATO_CURVE`, or else None.

    Raises TypeError or ValueError with one line for people. If nothing is recorded, the files may
    be missing, as in an application's tests.
    """
    return None if is_disabled() else client_keys(given or _variable("CURVE") or None)


def way_back(given: bool | str | None, socket: Endpoint) -> Endpoint | None:
    """Return the endpoint of acknowledgements, as given or from `$ZIBRATO_ACKNOWLEDGED`.

    Either is an endpoint, or says whether to use the one that belongs to `socket`. The result is
    None if there are no acknowledgements. Raises TypeError or ValueError with one line for people.
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
    """Return the given threshold, or else `$ZIBRATO_LEVEL`; None passes everything."""
    return given or _variable("LEVEL") or None


def source(given: str | None) -> str | None:
    """Return the given source, or else `$ZIBRATO_SOURCE`, stripped of white space.

    Raises ValueError, one line for people, if the daemon's `--source` doesn't allow it, either.
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
