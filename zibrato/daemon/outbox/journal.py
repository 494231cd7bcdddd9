"""The journal commits what the daemon accepted to the outboxes' file, then hands it to outboxes.

Each turn of the journal commits together whatever has happened since the last one: snapshots of
closed intervals, frames of open intervals, clients' sequence numbers, and finished deliveries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from zibrato.daemon.aggregation.intervals import ClosedInterval, Content
from zibrato.daemon.outbox.client_sequences import ClientSequences
from zibrato.daemon.outbox.disk import OutboxContents, OutboxDisk
from zibrato.daemon.outbox.file import Backends
from zibrato.daemon.outbox.frame_log import MAX_BYTES, FrameLog
from zibrato.daemon.outbox.freeing import free
from zibrato.daemon.outbox.journal_turn import Turn, Written, write
from zibrato.daemon.outbox.journal_watch import JournalWatch
from zibrato.daemon.outbox.kept_snapshot import KeptSnapshot, Waiting
from zibrato.daemon.outbox.outbox import Outbox
from zibrato.daemon.outbox.removed_backends import RemovedBackends
from zibrato.daemon.outbox.snapshot_codec import content_of, frame_of
from zibrato.daemon.series_filter import SeriesFilter
from zibrato.model import Identity, Snapshot
from zibrato.threads import Inline, Workers, finished


class Journal:
    """Hands closed intervals to `outboxes`, after committing them if there is a file.

    What can't be committed stays in memory, and every `tick` tries again. While a commit doesn't
    come to an end, `spare` makes the snapshots that the outboxes get. Before an open interval is
    closed, at most `log_bytes` of its frames are committed, except those that a client waits for.
    """

    _log = Logger()

    def __init__(
        self,
        sequences: ClientSequences,
        outboxes: Sequence[Outbox],
        removed: RemovedBackends,
        workers: Workers,
        disk: OutboxDisk | None = None,
        *,
        spare: Workers | None = None,
        log_bytes: int = MAX_BYTES,
    ) -> None:
        self.sequences = sequences
        self._outboxes: dict[str, Outbox] = {}
        self._leaving: set[str] = set()
        self._removed = removed
        self._workers = workers
        self._spare = spare or Inline()
        self._disk = disk
        self._frame_log = FrameLog(log_bytes)
        self._closed: list[ClosedInterval] = []
        self._starts: list[float] = []
        self._done: list[tuple[str, Identity]] = []
        self._contents = OutboxContents({}, {})
        self._watch = JournalWatch()
        self._failing = False
        self.close_open: Callable[[], object] = lambda: None
        """Closes all open intervals. It is called when the file's frames of them are lost, so that
        the intervals are committed while they are in memory."""
        for outbox in outboxes:
            self.join(outbox)

    @property
    def problem(self) -> str | None:
        """Why nothing is committed; None if all is well."""
        return self._watch.problem

    def join(self, outbox: Outbox) -> None:
        """Hand intervals that are closed from now on to `outbox`, too; its `key` names it in the
        file."""
        self._outboxes[outbox.key] = outbox
        self._leaving.discard(outbox.key)
        if self._disk is not None:
            outbox.keeper = self
        if waiting := self._removed.pop(outbox.key):
            outbox.restore(waiting)

    def leave(self, outbox: Outbox) -> None:
        """Hand an outbox nothing new after the turn under way; the file keeps what waits for it."""
        self._leaving.add(outbox.key)

    def open(self, restore: Callable[[float, Content], float]) -> None:
        """Open the file, and restore the frames of intervals that were open; raises OSError.

        `restore` gets the start of an interval and what it had, and returns its start now.
        """
        if self._disk is None:
            return
        starts = set[float]()

        def restore_frame(start: float, frame: bytes) -> None:
            starts.add(start)
            self.note(restore(start, content_of(frame)), [frame])

        self._contents = self._disk.open(restore_frame)
        self._starts += starts
        self.sequences.load(self._contents.clients)

    def resume(self) -> None:
        """Hand waiting snapshots of the file to their outboxes; keep those of removed backends."""
        contents, self._contents = self._contents, OutboxContents({}, {})
        for key, waiting in contents.waiting.items():
            outbox = self._outboxes.get(key)
            if outbox is not None:
                outbox.restore(waiting)
            else:
                self._removed.add(key, waiting)
        self._begin()

    def note(self, start: float, contents: Sequence[Content | bytes]) -> None:
        """Note what was added to the open interval of `start`, as frames or decoded."""
        if self._disk is not None:
            frames = [one if isinstance(one, bytes) else frame_of(one) for one in contents]
            self._frame_log.extend(start, frames, waited_for=self.sequences.changed)

    def put(self, closed: Sequence[ClosedInterval]) -> None:
        """Commit closed intervals and hand them to the outboxes."""
        self._closed += [interval for interval in closed if interval.series]
        for interval in closed:
            self._frame_log.close(interval.start)
            self._starts.append(interval.start)
        self._begin()

    def tick(self) -> None:
        """Commit what is new, even if the last commit failed; to be called once a second."""
        if self._disk is not None:
            self._watch.tick()
        if self._watch.is_stalled:
            Deferred.fromCoroutine(self._pass_by())
        self._done += self._removed.expire()
        self._begin(again=True)

    def load(self, waiting: Sequence[Waiting]) -> Deferred[Sequence[Snapshot | None]]:
        """Read snapshots, and return what the backend is to get of each; None if it is damaged."""
        disk = self._disk

        def read() -> Sequence[Snapshot | None]:
            return [disk.load(one) if disk is not None else None for one in waiting]

        return self._workers.run(read)

    def done(self, key: str, identities: Sequence[Identity]) -> None:
        """Note that a backend has got snapshots, or will never get them."""
        self._done += [(key, identity) for identity in identities]
        self._begin()

    def idle(self) -> Deferred[None]:
        """Return a Deferred that fires when everything is committed, or commits fail or stall."""
        waiting = self._watch.wait()
        self._begin()
        return waiting

    async def stop(self) -> None:
        """Commit what is left and close the file."""
        await self.idle()
        disk = self._disk
        if disk is not None:
            await finished(self._workers.run(disk.close))
        self._workers.stop()
        self._spare.stop()

    async def _pass_by(self) -> None:
        """Hand closed intervals to the outboxes uncommitted: a later turn commits what is left.

        Otherwise they would pile up, no backend would get anything, and nobody would know why.
        """
        closed, self._closed = self._closed, []
        turn = Turn(closed, [], self._backends, [], [], {}, None)
        written = await finished(self._spare.run(lambda: write(turn, None)))
        self._hand_over(written.fresh, turn.backends)

    def _begin(self, *, again: bool = False) -> None:
        """Start to commit, unless a commit is under way; `again` retries after a failed one."""
        if not self._watch.busy:
            self._failing = self._failing and not again
            Deferred.fromCoroutine(self._run())

    @property
    def _has_work(self) -> bool:
        mine = self._closed or self._starts or self._done or self._frame_log
        return bool(mine) or (self.sequences.changed and self._frame_log.is_complete)

    async def _run(self) -> None:
        """Commit until nothing is left to commit, or a commit fails."""
        self._watch.busy = True
        while self._has_work and not self._failing:
            await self._turn()
        self._watch.end()

    async def _turn(self) -> None:
        self._watch.begin()
        turn = self._take()
        try:
            written = await finished(self._workers.run(lambda: write(turn, self._disk)))
        except Exception as fault:  # despite a bug the next turn must be able to commit this
            self._log.failure("the outbox failed unexpectedly")
            written = Written((), problem=type(fault).__name__)
        if written.lost_file:
            self.sequences.commit_all()
            for outbox in self._outboxes.values():
                outbox.lose_file()
            self._removed.lose_file()
            self.close_open()
        for kept, (identity, size) in written.committed:
            kept.identity, kept.size = identity, size
        self._confirm([kept for kept, _ in written.committed], turn.backlog)
        self._hand_over(written.fresh, turn.backends)
        self._let_go([kept for kept, _ in written.committed])
        self._account(turn, written)

    def _let_go(self, committed: Sequence[KeptSnapshot]) -> None:
        """Drop committed snapshots from memory; idle outboxes have taken theirs by now."""
        snapshots = [kept.snapshot for kept in committed if kept.snapshot is not None]
        for kept in committed:
            kept.snapshot = None
        if snapshots:
            self._workers.run(lambda: free(snapshots))

    def _take(self) -> Turn:
        """Take everything that there is to commit."""
        backlog: dict[KeptSnapshot, dict[str, SeriesFilter]] = {}
        if self._disk is not None:
            for key, outbox in self._outboxes.items():
                for waiting in outbox.uncommitted():
                    backlog.setdefault(waiting.kept, {})[key] = waiting.filter
        closed, self._closed = self._closed, []
        starts, self._starts = self._starts, []
        done, self._done = self._done, []
        # Clients' numbers are committed only together with all that the clients sent. A log beyond
        # its bound lacks some of that until the interval is closed.
        complete = self._frame_log.is_complete
        return Turn(
            closed,
            list(backlog.items()),
            self._backends,
            done,
            starts,
            self._frame_log.take(),
            self.sequences.begin() if complete else None,
        )

    @property
    def _backends(self) -> Backends:
        """The filters of the backends that get new intervals."""
        mine = self._outboxes.items()
        return {key: outbox.filter for key, outbox in mine if key not in self._leaving}

    def _hand_over(self, fresh: Sequence[KeptSnapshot], backends: Backends) -> None:
        for kept in fresh:
            for key, wanted in backends.items():
                self._outboxes[key].append(kept, wanted)

    def _confirm(
        self, committed: Sequence[KeptSnapshot], backlog: Sequence[tuple[KeptSnapshot, Backends]]
    ) -> None:
        """Tell the outboxes which snapshots are in the file.

        An outbox may have delivered or dropped a snapshot of the backlog while it was being
        committed. Such snapshots are deleted from the file, so that they don't come again.
        """
        late = {id(kept): backends for kept, backends in backlog}
        for key, outbox in self._outboxes.items():
            mine = [kept for kept in committed if key in late.get(id(kept), ())]
            gone = outbox.confirm(mine)
            self._done += [(key, kept.identity) for kept in gone if kept.identity is not None]

    def _account(self, turn: Turn, written: Written) -> None:
        """Call back those who wait for the commit, or put back what was not committed."""
        problem = written.problem
        if turn.clients is not None:
            is_committed = problem is None and not written.lost_file
            (self.sequences.succeed if is_committed else self.sequences.fail)(turn.clients)
        if problem is None:
            self._watch.succeeded()
            return
        self._failing = True
        self._done[:0] = turn.done
        self._starts[:0] = turn.starts
        self._frame_log.put_back(turn.frames)
        self._watch.failed(problem)
