"""Find the file for the running totals of a backend, and lock it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from pathlib import Path

from twisted.logger import Logger

from zibrato.backends.settings import claim_path
from zibrato.backends.totals import Totals
from zibrato.backends.totals_file import TotalsFile
from zibrato.files.file_lock import FileLock, check_kind
from zibrato.interfaces import BackendContext
from zibrato.threads import Threads

__all__ = ["totals_of"]

_log = Logger()


def totals_of(settings: Mapping[str, str], context: BackendContext, backend: str) -> Totals:
    """Return the totals of a backend, in the file of its setting `totals`, or in a default file.

    If the setting is `none`, or if the default file can't be used, they are only in memory. Raises
    ValueError, one line for people, if the file of the setting can't be used.
    """
    given = settings.get("totals")
    workers = Threads(context.reactor, f"zibrato {backend} totals", 1)
    if given == "none":
        return Totals(None, workers)
    path = Path(given).expanduser().absolute() if given else _default(context, backend)
    if path is None:
        return Totals(None, workers)
    try:
        check_kind(path)
        claim_path(path.resolve(), context.files)
        if context.is_trial:
            return Totals(None, workers)
        lock = _locked(path, context)
    except ValueError as error:
        if given:
            raise ValueError(f"totals: {error}; give another file with totals=PATH") from None
        _log.warn("the totals of {backend} start from zero at each start: {why}",
                  backend=backend, why=str(error))  # fmt: skip
        return Totals(None, workers)
    return Totals(TotalsFile(path, lock), workers)


def _default(context: BackendContext, backend: str) -> Path | None:
    """Return the first default file of this backend that no other backend of its name has.

    A backend with a name of its own never gets another's totals, whatever comes, goes or is moved.
    """
    own = backend if context.name in {"", backend} else f"{backend}.{context.name}"
    for number in count(1):
        path = context.state(own if number == 1 else f"{own}-{number}")
        if path is None or path.resolve() not in context.files:
            return path
    raise AssertionError("numbers end")


def _locked(path: Path, context: BackendContext) -> FileLock:
    place = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return context.locks.get(place) or context.locks.setdefault(place, FileLock(path))
    except BlockingIOError:
        raise ValueError(f"another daemon has {path}") from None
    except OSError as error:
        raise ValueError(f"can't use {path}: {error.strerror}") from None
