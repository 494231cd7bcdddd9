"""Chooses the outboxes' file, and claims it for this daemon."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import nullcontext, suppress
from pathlib import Path

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from zibrato.daemon.outbox.disk import OutboxDisk
from zibrato.daemon.outbox.file import measurements_in
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
    disk = None
    try:
        path = _path(settings, environment)
        disk = None if path is None else _claimed(clock, path)
    except ValueError as error:
        if settings.outbox is not None:
            raise
        _log.warn("the outbox is in memory only: {why}", why=str(error))
    _tell_others(settings, environment)
    return disk


def default_path(settings: Settings, environment: Mapping[str, str]) -> Path:
    """Return the default path: of the files that can be only this daemon's, the first that exists.

    So a daemon keeps its outbox if it gets a store. If none exists, it is the first: beside the
    store's file, or else in the state directory.
    """
    paths = [*_own_paths(settings, environment)]
    return next(filter(os.path.isfile, paths), paths[0])


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


def _own_paths(settings: Settings, environment: Mapping[str, str]) -> Iterator[Path]:
    """Generate the default paths that only this daemon can have had; raises ValueError if none.

    No two daemons can have a store or listen at an endpoint, and a systemd unit has its own state
    directory. Several may connect to an endpoint; if it is the first of one without a store, there
    is no better name.
    """
    stores = [choice for choice in settings.backends if choice.maker.name == "store"]
    if stores:
        given = stores[0].settings.get("path")
        yield _beside(Path(given).expanduser()) if given else _beside_default_store(environment)
    named = [endpoint for endpoint in settings.endpoints if not endpoint.connect]
    if not stores:
        named.insert(0, settings.endpoints[0])
    # With a store, the daemon doesn't need a state directory.
    with suppress(ValueError) if stores else nullcontext():
        for endpoint in named:
            yield state_path(environment, f"outbox-{_name(endpoint.address)}.sqlite", "outbox")
    if environment.get("STATE_DIRECTORY"):
        yield _beside_default_store(environment)


def _beside_default_store(environment: Mapping[str, str]) -> Path:
    return _beside(state_path(environment, STORE_NAME, "store"))


def _beside(store: Path) -> Path:
    return Path(f"{store.absolute()}.outbox")


def _path(settings: Settings, environment: Mapping[str, str]) -> Path | None:
    """Return the path; None if there is to be no file; raises ValueError if there can be none."""
    if settings.outbox == "none":
        return None
    given = settings.outbox
    path = default_path(settings, environment) if given is None else Path(given).expanduser()
    return path.absolute()


def _tell_others(settings: Settings, environment: Mapping[str, str]) -> None:
    """Warn of other default files in which something waits, if no daemon has them.

    Of those that may be another daemon's, only of the one beside the default store.
    """
    paths = list[Path]()
    with suppress(ValueError):
        paths += _own_paths(settings, environment)
        paths.append(_beside_default_store(environment))
    used = outbox_path(settings, environment)
    for path in dict.fromkeys(paths):
        if path != used and (waiting := measurements_in(path)) and not _is_locked(path):
            _log.warn(
                "{count} measurements for {backends} wait in another outbox, {path}, and stay "
                "there; start the daemon with --outbox {path} until they are delivered, or delete "
                "that file",
                count=sum(waiting.values()),
                backends=", ".join(waiting),
                path=str(path),
            )


def _is_locked(path: Path) -> bool:
    try:
        FileLock(path).close()
    except OSError:
        return True
    return False


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
