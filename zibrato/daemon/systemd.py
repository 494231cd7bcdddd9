"""Tells systemd the daemon's state by sd_notify, if systemd asked for that."""

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
"""Characters of the status line."""


def notify(environment: Mapping[str, str], state: str) -> None:
    """Send `state`, such as READY=1, to the socket in `$NOTIFY_SOCKET`, if there is one.

    An address that starts with @ is in the abstract namespace. Errors are ignored, and a reader
    that doesn't read is never waited for: the daemon is more important than its notifications.
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
    """Tells systemd that the daemon lives, twice in each timeout of systemd's watchdog.

    It does so while the reactor runs and `is_well` is true. It does nothing without
    `$WATCHDOG_USEC`, or if that is for another process.
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
        """Begin to notify systemd."""
        Service.startService(self)
        if self._period is not None:
            self._loop.start(self._period)

    def stopService(self) -> None:
        """Stop notifying systemd."""
        Service.stopService(self)
        if self._loop.running:
            self._loop.stop()

    def tell(self, report: Callable[[], Health]) -> None:
        """Show a report of the daemon's health in `systemctl status`."""
        if self._environment.get("NOTIFY_SOCKET"):
            notify(self._environment, f"STATUS={status_line(report())}")

    def _look(self) -> None:
        if self._is_well():
            notify(self._environment, "WATCHDOG=1")


def period(environment: Mapping[str, str]) -> float | None:
    """Return the seconds between two notifications; None if systemd's watchdog is off."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    if not re.fullmatch("[1-9][0-9]{0,17}", microseconds):
        return None
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(microseconds) / 2e6


def status_line(report: Health) -> str:
    """Return a report in one line: the problems, critical ones first, the rate and the series."""
    problems = sorted(report.problems, key=lambda problem: problem.severity != CRITICAL)
    rate = "" if report.received_rate is None else f"{report.received_rate:,.1f} measurements/s, "
    parts = [*(problem.text for problem in problems), f"{rate}{report.series:,} series"]
    return printable("; ".join(parts))[:MAX_STATUS]  # a line break would begin another variable
