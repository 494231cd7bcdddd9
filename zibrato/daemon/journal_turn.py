"""What a journal commits together, and what came of it; blocking, for the journal's thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from twisted.logger import Logger

from zibrato.daemon.client_sequences import Commit
from zibrato.daemon.intervals import ClosedInterval
from zibrato.daemon.kept_snapshot import KeptSnapshot
from zibrato.daemon.outbox_disk import OutboxDisk, QuarantinedError
from zibrato.daemon.outbox_file import Backends, Changes, ForeignFileError
from zibrato.model import Identity

_log = Logger()


class Turn(NamedTuple):
    """What is committed together."""

    closed: Sequence[ClosedInterval]
    backlog: Sequence[tuple[KeptSnapshot, Backends]]
    """What could not be committed before."""
    backends: Backends
    done: Sequence[tuple[str, Identity]]
    starts: Sequence[float]
    frames: Mapping[float, Sequence[bytes]]
    clients: Commit | None


class Written(NamedTuple):
    """What came of a turn: `problem` says why nothing was committed."""

    fresh: Sequence[KeptSnapshot]
    committed: Sequence[tuple[KeptSnapshot, tuple[Identity, int]]] = ()
    problem: str | None = None
    quarantined: bool = False


def write(turn: Turn, disk: OutboxDisk | None) -> Written:
    """Make snapshots of what is closed, and commit."""
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
    quarantined = False
    try:
        try:
            identities = disk.commit(changes)
        except QuarantinedError:
            quarantined = True
            identities = disk.commit(changes)
    except (sqlite3.Error, OSError, QuarantinedError, ForeignFileError) as error:
        return Written(fresh, (), f"{disk.path}: {error}", quarantined)
    except Exception as fault:  # a bug: what is fresh goes on its way in memory
        _log.failure("the outbox failed unexpectedly")
        return Written(fresh, (), f"{disk.path}: {type(fault).__name__}", quarantined)
    kept = [kept for kept, _ in changes.snapshots]
    return Written(fresh, list(zip(kept, identities, strict=True)), None, quarantined)
