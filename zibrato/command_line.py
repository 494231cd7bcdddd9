"""Private: the arguments of the commands."""

from __future__ import annotations

import argparse
from typing import NoReturn

__all__ = ["CommandLine"]


class CommandLine(argparse.ArgumentParser):
    """An ArgumentParser which says in one line what is wrong, and exits with 1, as the daemon."""

    def __init__(self, command: str, doc: str | None) -> None:
        description = str(doc).replace("`", "")
        super().__init__(f"zibrato {command}", description=description)

    def error(self, message: str) -> NoReturn:
        """End the process."""
        self.exit(1, f"{self.prog}: {message}; see {self.prog} --help\n")
