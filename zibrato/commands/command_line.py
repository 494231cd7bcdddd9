"""Private: the argument parser of the commands."""

from __future__ import annotations

import argparse
from typing import NoReturn

__all__ = ["CommandLine"]


class CommandLine(argparse.ArgumentParser):
    """An ArgumentParser that reports errors in one line, and exits with 1, as the daemon does.

    A command that runs another command exits with another `status`.
    """

    def __init__(self, command: str, doc: str | None, status: int = 1) -> None:
        description = str(doc).replace("`", "")
        super().__init__(f"zibrato {command}", description=description)
        self._status = status

    def error(self, message: str) -> NoReturn:
        """End the process."""
        self.exit(self._status, f"{self.prog}: {message}; see {self.prog} --help\n")
