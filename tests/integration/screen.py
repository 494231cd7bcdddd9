"""A command in a pseudo-terminal, and what its screen shows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from time import monotonic

import pyte

from tests.integration.processes import DEADLINE, Child


class Screen(Child):
    """A process whose terminal is emulated.

    What the terminal would obey beyond drawing, such as a title, is in `raw` alone.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        columns: int = 80,
        lines: int = 24,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self._terminal, end = pty.openpty()
        self.resize(columns, lines)
        self.popen = subprocess.Popen(
            arguments,
            env={**_environment(), **(environment or {})},
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
            # Else no signal would come of another size, nor of Ctrl-C.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one system call, which takes no lock
        )
        os.close(end)

    @property
    def text(self) -> str:
        """What is on the screen now."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def cells(self) -> list[list[pyte.screens.Char]]:
        """The characters of each line, as they are drawn."""
        rows, columns = self._screen.lines, self._screen.columns
        return [[self._screen.buffer[y][x] for x in range(columns)] for y in range(rows)]

    def settle(self) -> None:
        """Read until nothing has come for a moment, or for long enough."""
        limit = monotonic() + DEADLINE / 3
        while monotonic() < limit and self._read(0.3):
            pass

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, which the kernel tells the process by a signal."""
        self._screen.resize(lines, columns)
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)

    def press(self, text: str) -> None:
        """Press keys."""
        os.write(self._terminal, text.encode())

    def wait_for(self, pattern: str, deadline: float = DEADLINE) -> re.Match[str]:
        """Wait until the screen matches; raises AssertionError at the deadline."""
        limit = monotonic() + deadline
        while not (match := re.search(pattern, self.text, re.M)):
            left = limit - monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"{pattern!r} never came on:\n{self.text}")
        return match

    def wait(self, deadline: float = DEADLINE) -> int:
        """Return the exit status, having read all."""
        limit = monotonic() + deadline
        while self._read(max(limit - monotonic(), 0)):
            pass
        return self.popen.wait(max(limit - monotonic(), 1))

    def _read(self, wait: float) -> bool:
        """Read what comes within so many seconds; return whether more may come."""
        if not select.select([self._terminal], [], [], wait)[0]:
            return False
        try:
            data = os.read(self._terminal, 65_536)
        except OSError:  # the other end is closed
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def release(self) -> str:
        """Close the terminal; return what was on it."""
        os.close(self._terminal)
        return self.text


def _environment() -> dict[str, str]:
    """Return the environment without the size of another terminal, which pytest-xdist sets."""
    foreign = {"COLUMNS", "LINES"}
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**kept, "TERM": "xterm-256color"}
