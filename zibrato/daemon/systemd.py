"""sd_notify: tells systemd how the daemon is, where systemd asked for it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress


def notify(environment: Mapping[str, str], state: str) -> None:
    """Send `state`, such as READY=1, to the socket in `$NOTIFY_SOCKET`, if there is one.

    An address that starts with @ is in the abstract namespace. What goes wrong is ignored: to run
    is more important than to tell.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), address)
