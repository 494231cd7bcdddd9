"""One turn of the journal: what is committed together, and the result; blocks, for its thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from twisted.logger import Logger

from zibrato.daemon.aggregation.intervals import ClosedInterval
from zibrato.daemon.outbox.client_sequences import Commit
from zibrato.daemon.outbox.disk import LostFileError, OutboxDisk
from zibrato.daemon.outbox.file import Backends, Changes
from zibrato.daemon.outbox.kept_snapshot import KeptSnapshot
from zibrato.files.sqlite_file import UnusableFileError
from zibrato.model import Identity

_log = Logger()


class Turn(NamedTuple):
    """What one turn commits together."""

    closed: Sequence[ClosedInterval]
    backlog: Sequence[tuple[KeptSnapshot, Backends]]
    """Snapshots that could not be committed before, with the backends that wait for them."""
    backends: Backends
    done: Sequence[tuple[str, Identity]]
    starts: Sequence[float]
    frames: Mapping[float, Sequence[bytes]]
    clients: Commit | None


class Written(NamedTuple):
    """The result of a turn; `problem` says why nothing was committed, or is None."""

    fresh: Sequence[KeptSnapshot]
    committed: Sequence[tuple[KeptSnapshot, tuple[Identity, int]]] = ()
    problem: str | None = None
    lost_file: bool = False
    """Whether everything committed before is lost, with open intervals and clients' numbers."""


def write(turn: Turn, disk: OutboxDisk | None) -> Written:
    """Make the snapshots of closed intervals, and commit everything."""
    fresh = [KeptSnapshot.of(interval.snapshot()) for interval in turn.closed]
    wanted = [*turn.backlog, *((kept, kept.wanted(turn.backends)) for kept in fresh)]
    wanted = [(kept, backends) for kept, backends in wanted if backends]
    seen, forgotten = (turn.clients.seen, turn.clients.forgotten) if turn.clients else ({}, ())
    changes = Changes(wanted, turn.done, turn.starts, turn.frames, seen, forgotten)
    written = Written(fresh) if disk is None else _commit(disk, fresh, changes)
    for kept in fresh if not written.committed else ():
        kept.size = kept.memory
    return written


def _commit(disk: OutboxDisk, fresh: Sequence[KeptSnapshot], changes: Changes) -> Written:
    lost = False
    try:
        try:
            identities = disk.commit(changes)
        except LostFileError:
            lost = True
            # Not the clients' numbers: what the clients sent before may be lost with the file.
            identities = disk.commit(changes._replace(seen={}, forgotten=()))
    except (sqlite3.Error, OSError, LostFileError, UnusableFileError) as error:
        return Written(fresh, (), f"{disk.path}: {error}", lost)
    except Exception as fault:  # despite a bug, fresh snapshots are delivered from memory
        _log.failure("the outbox failed unexpectedly")
        return Written(fresh, (), f"{disk.path}: {type(fault).__name__}", lost)
    kept = [kept for kept, _ in changes.snapshots]
    return Written(fresh, list(zip(kept, identities, strict=True)), None, lost)
