"""Chooses the outboxes' file, and claims it for this daemon."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.outbox.disk import OutboxDisk
from zibrato.daemon.settings import Settings
from zibrato.files.file_lock import FileLock, check_kind
from zibrato.files.sqlite_file import STORE_NAME, state_path

_log = Logger()


def outbox_disk(
    clock: IReactorTime, settings: Settings, environment: Mapping[str, str]
) -> OutboxDisk | None:
    """Return the outboxes' file with its lock; None if the outboxes are only in memory.

    Raises ValueError, with one line, if the file of `--outbox` can't be used. If the default can't
    be used, logs a warning instead, and returns None.
    """
    try:
        path = _path(settings, environment)
        return None if path is None else _claimed(clock, path)
    except ValueError as error:
        if settings.outbox is not None:
            raise
        _log.warn("the outbox is in memory only: {why}", why=str(error))
        return None


def default_path(settings: Settings, environment: Mapping[str, str]) -> Path:
    """Return the default path: beside the store's file, or else in the state directory.

    In the state directory the name is made of the daemon's first endpoint, which no two daemons
    can share.
    """
    for choice in settings.backends:
        if choice.maker.name == "store":
            given = choice.settings.get("path")
            default = state_path(environment, STORE_NAME, "store")
            path = Path(given).expanduser() if given else default
            return Path(f"{path.absolute()}.outbox")
    name = f"outbox-{_name(settings.endpoints[0].address)}.sqlite"
    return state_path(environment, name, "outbox")


def outbox_path(settings: Settings, environment: Mapping[str, str]) -> Path | None:
    """Return the path of the outboxes' file; None if there is to be none, or can be none."""
    try:
        return _path(settings, environment)
    except ValueError:
        return None


def state_beside(settings: Settings, environment: Mapping[str, str], name: str) -> Path | None:
    """Return a path for a backend's data beside the outboxes' file; None if there is no file."""
    outbox = outbox_path(settings, environment)
    return None if outbox is None else outbox.with_name(f"{outbox.name}.{name}")


def _path(settings: Settings, environment: Mapping[str, str]) -> Path | None:
    """Return the path; None if there is to be no file; raises ValueError if there can be none."""
    if settings.outbox == "none":
        return None
    given = settings.outbox
    path = default_path(settings, environment) if given is None else Path(given).expanduser()
    return path.absolute()


def _name(address: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", address).strip("-")[-100:]


def _claimed(clock: IReactorTime, path: Path) -> OutboxDisk:
    check_kind(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(path)
    except BlockingIOError:
        raise ValueError(
            f"can't use {path}: another daemon or the store has it; give another file with "
            "--outbox PATH"
        ) from None
    except OSError as error:
        raise ValueError(
            f"can't use {path}: {error.strerror}; give another file with --outbox PATH, or none"
        ) from None
    return OutboxDisk(clock, path, lock)
