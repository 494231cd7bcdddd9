"""Runs a command under the system call restrictions of a systemd unit, where no systemd runs.

    python sandbox.py UNIT COMMAND …

Does with libseccomp what systemd does for SystemCallFilter=, RestrictAddressFamilies= and
MemoryDenyWriteExecute= (systemd.exec(5), src/shared/seccomp-util.c).
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ALLOW = 0x7FFF0000
DENY = 0x00050000
EQUAL = 4
MASKED_EQUAL = 7
SHM_EXEC = 0o100000
AF_MAX = 64


class Comparison(ctypes.Structure):
    """A condition on an argument of a system call: libseccomp's struct scmp_arg_cmp."""

    _fields_ = (
        ("arg", ctypes.c_uint),
        ("op", ctypes.c_int),
        ("datum_a", ctypes.c_uint64),
        ("datum_b", ctypes.c_uint64),
    )


class Filter:
    """One seccomp filter of this process and what it executes; filters add up."""

    def __init__(self, default: int) -> None:
        self._library: Any = ctypes.CDLL("libseccomp.so.2", use_errno=True)
        self._library.seccomp_init.restype = ctypes.c_void_p
        self._context = ctypes.c_void_p(self._library.seccomp_init(default))

    def add(self, action: int, call: str, *conditions: Comparison) -> None:
        """Act so on a call by this name, if there is one here, where all the conditions hold."""
        number = self._library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            array = (Comparison * len(conditions))(*conditions)
            _check(
                self._library.seccomp_rule_add_array(
                    self._context, ctypes.c_uint32(action), number, len(conditions), array
                )
            )

    def load(self) -> None:
        """Make it hold from now on."""
        _check(self._library.seccomp_load(self._context))


def settings(unit: Path, name: str) -> list[str]:
    """Return the values of a setting of a unit file, in order."""
    lines = (line.partition("=") for line in unit.read_text().splitlines())
    return [value for key, _, value in lines if key == name]


def restrict_calls(expressions: Iterable[str], action: int) -> None:
    """Allow the calls of the SystemCallFilter= `expressions` only."""
    allowed: set[str] = set()
    for expression in expressions:
        calls = {call for item in expression.lstrip("~").split() for call in _expanded(item)}
        allowed = allowed - calls if expression.startswith("~") else allowed | calls
    calls_filter = Filter(action)
    for call in allowed:
        calls_filter.add(ALLOW, call)
    calls_filter.load()


def restrict_families(names: Iterable[str]) -> None:
    """Allow sockets of the address families of RestrictAddressFamilies= only."""
    allowed = {int(getattr(socket, name)) for name in names}
    families = Filter(ALLOW)
    for family in set(range(AF_MAX)) - allowed:
        families.add(DENY | errno.EAFNOSUPPORT, "socket", Comparison(0, EQUAL, family, 0))
    families.load()


def deny_write_execute() -> None:
    """Allow no memory that is executable and was, or is, writable."""
    executable = mmap.PROT_EXEC
    both = mmap.PROT_EXEC | mmap.PROT_WRITE
    memory = Filter(ALLOW)
    deny = DENY | errno.EPERM
    memory.add(deny, "mmap", Comparison(2, MASKED_EQUAL, both, both))
    for call in ("mprotect", "pkey_mprotect"):
        memory.add(deny, call, Comparison(2, MASKED_EQUAL, executable, executable))
    memory.add(deny, "shmat", Comparison(2, MASKED_EQUAL, SHM_EXEC, SHM_EXEC))
    memory.load()


def main() -> None:
    """Restrict this process as the unit of the first argument says, and become the others."""
    unit = Path(sys.argv[1])
    if "yes" in settings(unit, "MemoryDenyWriteExecute"):
        deny_write_execute()
    families = settings(unit, "RestrictAddressFamilies")
    if families:
        restrict_families(families[-1].split())
    (code,) = settings(unit, "SystemCallErrorNumber")
    restrict_calls(settings(unit, "SystemCallFilter"), DENY | int(getattr(errno, code)))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - as the test says


def _expanded(item: str) -> Iterator[str]:
    """Generate the calls of a call's name or of a @group of them."""
    if not item.startswith("@"):
        yield item
        return
    command = ["systemd-analyze", "syscall-filter", item]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line in listing.splitlines()[1:]:
        if line.strip() and not line.strip().startswith("#"):
            yield from _expanded(line.strip())


def _check(status: int) -> None:
    if status < 0:
        raise OSError(-status, os.strerror(-status))


if __name__ == "__main__":
    main()
