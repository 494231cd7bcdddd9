"""Makes backends from choices, and notes which files they claim."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from twisted.python import usage

from zibrato.daemon.backend_choices import BackendChoice
from zibrato.interfaces import (
    BackendContext,
    IBackend,
    IBackendOptions,
    IScrapedBackend,
    IWebBackend,
)

__all__ = ["MadeBackend", "is_served", "make", "makes_pages"]


class MadeBackend(NamedTuple):
    """A backend that was made, and the files that it claimed."""

    backend: IBackend
    files: Collection[Path]


def make(
    choice: BackendChoice, context: BackendContext, free: Collection[Path] = ()
) -> MadeBackend:
    """Make a backend, which may claim files that are `free`, although others have them.

    Raises usage.UsageError.
    """
    files = context.files
    hidden = files & set(free)
    # Changed in place: backends look up claimed files in this set of the context.
    files -= hidden
    others = set(files)
    try:
        backend = choice.maker.make(choice.settings, replace(context, name=choice.name))
        return MadeBackend(backend, files - others)
    except ValueError as error:
        files &= others  # it may have claimed a file, and then failed to lock it
        raise usage.UsageError(f"--backend {choice.label}: {error}") from None
    finally:
        files |= hidden


def makes_pages(choice: BackendChoice) -> bool:
    """Return whether the daemon's page is of the backend."""
    declared = IBackendOptions(choice.maker, None)
    return declared is not None and declared.web is not None


def is_served(backend: IBackend | None) -> bool:
    """Return whether the daemon serves the backend over HTTP, which can only begin at its start."""
    return bool(IWebBackend(backend, None) or IScrapedBackend(backend, None))
