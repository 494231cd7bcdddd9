"""sd_notify: tells systemd how the daemon is, where systemd asked for it."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from zibrato.health import CRITICAL, Health
from zibrato.printable import printable

MAX_STATUS = 500
"""Characters."""


def notify(environment: Mapping[str, str], state: str) -> None:
    """Send `state`, such as READY=1, to the socket in `$NOTIFY_SOCKET`, if there is one.

    An address that starts with @ is in the abstract namespace. What goes wrong is ignored: to run
    is more important than to tell, and so it never waits for who doesn't read.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.sendto(state.encode(), address)


class Watchdog(Service):
    """Tells systemd that the daemon lives, twice in the time after which it would be restarted.

    It does so while the reactor runs and `is_well` is true. Without `$WATCHDOG_USEC`, or where that
    is for another process, nobody waits for it.
    """

    def __init__(
        self, environment: Mapping[str, str], clock: IReactorTime, is_well: Callable[[], bool]
    ) -> None:
        self._environment = environment
        self._is_well = is_well
        self._period = period(environment)
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock

    def startService(self) -> None:
        """Begin to tell."""
        Service.startService(self)
        if self._period is not None:
            self._loop.start(self._period)

    def stopService(self) -> None:
        """Tell no more."""
        Service.stopService(self)
        if self._loop.running:
            self._loop.stop()

    def tell(self, report: Callable[[], Health]) -> None:
        """Show how the daemon is in `systemctl status`."""
        if self._environment.get("NOTIFY_SOCKET"):
            notify(self._environment, f"STATUS={status_line(report())}")

    def _look(self) -> None:
        if self._is_well():
            notify(self._environment, "WATCHDOG=1")


def period(environment: Mapping[str, str]) -> float | None:
    """Return the seconds between two signs of life, None where nobody waits for them."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if not re.fullmatch("[1-9][0-9]{0,17}", microseconds):
        return None
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 2e6


def status_line(report: Health) -> str:
    """Return a report in one line: what is wrong, the worst of it first, and what arrives."""
    problems = sorted(report.problems, key=lambda problem: problem.severity != CRITICAL)
    rate = "" if report.received_rate is None else f"{report.received_rate:,.1f} measurements/s, "
    parts = [*(problem.text for problem in problems), f"{rate}{report.series:,} series"]
    return printable("; ".join(parts))[:MAX_STATUS]  # a line break would begin another state
