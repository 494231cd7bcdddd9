"""Checks the daemon's options that examples name, whose files and secrets are not there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twisted.python import usage

from zibrato.daemon.backend_choices import GivenBackend, backend_makers
from zibrato.daemon.options import Options


class NamedOptions(Options):
    """The options without their meaning."""

    def postOptions(self) -> None:
        """Check what needs no file."""
        for backend in self["backend"]:
            if isinstance(backend, GivenBackend):  # of a file, which was checked as it was read
                continue
            if backend.partition(":")[0] not in backend_makers():
                raise usage.UsageError(f"there is no backend {backend}")

    def opt_help_backends(self) -> None:
        """List nothing."""


def check_options(arguments: Sequence[str]) -> None:
    """Raise usage.UsageError where the daemon has no such options."""
    usage.Options.parseOptions(NamedOptions({}), list(arguments))


def check_config(path: Path) -> None:
    """Raise usage.UsageError where a configuration file has what there isn't."""
    NamedOptions({}).parseOptions(["--config", str(path)])
