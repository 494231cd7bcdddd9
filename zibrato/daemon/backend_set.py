"""The backends of a daemon, each behind its outbox; they come and go while it runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from twisted.application.service import IService, MultiService
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeadlineError
from twisted.logger import Logger
from twisted.python import usage

from zibrato.daemon.backend_choices import BackendChoice
from zibrato.daemon.backend_keys import differ, keyed
from zibrato.daemon.backend_slot import BackendSlot
from zibrato.daemon.journal import Journal
from zibrato.daemon.outbox import Outbox
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.interfaces import (
    BackendContext,
    IBackend,
    IBackendOptions,
    IScrapedBackend,
    IWebBackend,
)


class Made(NamedTuple):
    """A backend that was made, and the files that it has for itself alone."""

    backend: IBackend
    files: Collection[Path]


@dataclass
class Member:
    """A backend, what it was made of, and what waits for it."""

    choice: BackendChoice
    slot: BackendSlot
    outbox: Outbox
    files: Collection[Path] = field(default_factory=set)
    is_leaving: bool = False


class Plan(NamedTuple):
    """What a reload makes of the backends: their choices by keys, and those that were made.

    `restart` names what has to wait for that.
    """

    choices: Mapping[str, BackendChoice]
    made: Mapping[str, Made]
    restart: Sequence[str]


class BackendSet(MultiService):
    """Has an outbox for each backend; what is removed ships what waits for it, for a while.

    What it had not got by then stays in the outbox's file, or in memory, until it is back.
    """

    _log = Logger()

    def __init__(
        self, context: BackendContext, metrics: SelfMetrics, choices: Sequence[BackendChoice]
    ) -> None:
        """Make the backends; raises usage.UsageError."""
        MultiService.__init__(self)
        self.journal: Journal | None = None
        self._context = context
        self._metrics = metrics
        self._members: dict[str, Member] = {}
        for key, choice in self._keyed(choices).items():
            self._add(key, choice, self._make(choice))

    @property
    def outboxes(self) -> Sequence[Outbox]:
        """The outboxes of all backends that there are now."""
        return [member.outbox for member in self._members.values() if not member.is_leaving]

    @property
    def left(self) -> Sequence[Outbox]:
        """The outboxes of backends that were removed before they had everything."""
        left = (member.outbox for member in self._members.values() if member.is_leaving)
        return [outbox for outbox in left if outbox.pending]

    @property
    def backends(self) -> Sequence[IBackend]:
        """The backends themselves."""
        slots = (member.slot for member in self._members.values() if not member.is_leaving)
        return [slot.current for slot in slots if slot.current is not None]

    @property
    def delivering(self) -> Sequence[Outbox]:
        """The outboxes that have a backend, for a while also those of removed ones."""
        members = self._members.values()
        return [member.outbox for member in members if member.slot.current is not None]

    def plan(self, choices: Sequence[BackendChoice]) -> Plan:
        """Make what is new and what has changed; raises usage.UsageError, and then nothing is."""
        wanted = self._keyed(choices)
        restart = []
        for key, member in self._members.items():
            is_other = key not in wanted or differ(member.choice, wanted[key])
            if not member.is_leaving and is_other and _is_served(member.slot.current):
                restart.append(f"--backend {member.choice.label}")
                wanted[key] = member.choice
        made: dict[str, Made] = {}
        try:
            for key, choice in list(wanted.items()):
                if not self._is_new(key, choice):
                    continue
                if (new := self._make_unserved(key, choice)) is not None:
                    made[key] = new
                else:
                    restart.append(f"--backend {choice.label}")
                    del wanted[key]
        except usage.UsageError:
            self.discard(Plan(wanted, made, restart))
            raise
        return Plan(wanted, made, restart)

    def discard(self, plan: Plan) -> None:
        """Stop what was made for a plan that nothing comes of."""
        for made in plan.made.values():
            self._discard(made)

    def take_over(self, plan: Plan, timeout: float) -> None:
        """Have what was planned; what is removed has `timeout` seconds for what waits for it."""
        for key, choice in plan.choices.items():
            made, member = plan.made.get(key), self._members.get(key)
            if member is not None:
                self._change(member, choice, made)
            elif made is not None:
                self._add(key, choice, made)
                self._log.info("{backend} is new", backend=key)
        for key, member in self._members.items():
            if key not in plan.choices and not member.is_leaving:
                member.is_leaving = True
                Deferred.fromCoroutine(self._leave(member, timeout))

    def reload(self, choices: Sequence[BackendChoice]) -> None:
        """Have all backends take over secrets, and try again what was postponed."""
        for key, choice in self._keyed(choices).items():
            member = self._members.get(key)
            if member is not None and not (member.is_leaving or differ(member.choice, choice)):
                member.choice = member.choice._replace(settings=choice.settings)
                self._reload(member)

    def _keyed(self, choices: Sequence[BackendChoice]) -> dict[str, BackendChoice]:
        members = self._members.items()
        return keyed(choices, {key: one.choice for key, one in members if not one.is_leaving})

    def _is_new(self, key: str, choice: BackendChoice) -> bool:
        member = self._members.get(key)
        return member is None or member.slot.current is None or differ(member.choice, choice)

    def _make_unserved(self, key: str, choice: BackendChoice) -> Made | None:
        """Make a backend, None where a daemon serves it, which takes a restart."""
        if _makes_pages(choice):
            return None
        made = self._make(choice, self._members.get(key))
        if not _is_served(made.backend):
            return made
        self._discard(made)
        return None

    def _make(self, choice: BackendChoice, before: Member | None = None) -> Made:
        """Make a backend, which may have the files of the one in whose place it is put."""
        files = self._context.files
        hidden = files & set(before.files) if before is not None else set()
        # In place: it is the context's own set, in which backends look for theirs.
        files -= hidden
        others = set(files)
        try:
            backend = choice.maker.make(choice.settings, replace(self._context, name=choice.name))
            return Made(backend, files - others)
        except ValueError as error:
            raise usage.UsageError(f"--backend {choice.label}: {error}") from None
        finally:
            files |= hidden

    def _discard(self, made: Made) -> None:
        kept = {path for member in self._members.values() for path in member.files}
        self._context.files.difference_update(set(made.files) - kept)
        made.backend.stop()

    def _add(self, key: str, choice: BackendChoice, made: Made) -> None:
        name = choice.name

        def restored(measurements: int) -> None:
            self._metrics.count("zibrato.outbox.restored", measurements, backend=name)

        slot = BackendSlot(name, made.backend, restored)
        outbox = Outbox(
            slot, self._context.reactor, self._metrics, wanted=choice.filter,
            max_file_bytes=choice.outbox_size, max_age=choice.outbox_age,
        )  # fmt: skip
        outbox.key = key
        self._members[key] = Member(choice, slot, outbox, made.files)
        if self.journal is not None:
            self.journal.join(outbox)
        child: IService = outbox
        child.setServiceParent(self)

    def _change(self, member: Member, choice: BackendChoice, made: Made | None) -> None:
        member.choice = choice
        member.outbox.filter = choice.filter
        member.outbox.bound(choice.outbox_size, choice.outbox_age)
        if member.is_leaving and self.journal is not None:
            self.journal.join(member.outbox)
        member.is_leaving = False
        if made is not None:
            self._context.files.difference_update(set(member.files) - set(made.files))
            member.files = made.files
            member.slot.replace(made.backend)
            self._log.info("{backend} is another one now", backend=member.outbox.key)
            member.outbox.retry()
        else:
            self._reload(member)

    def _reload(self, member: Member) -> None:
        try:
            member.slot.reload(member.choice.settings)
        except Exception:  # a backend's bug must not keep the others from it, nor stop a stop
            self._log.failure("{backend} failed to reload", backend=member.slot.name)
        # With a mended key or address, what was postponed has no reason to wait any more.
        member.outbox.retry()

    async def _leave(self, member: Member, timeout: float) -> None:
        """Have a backend that was removed get what waits for it, as far as it does in time."""
        if self.journal is not None:
            self.journal.leave(member.outbox)
            await self.journal.idle()
        with suppress(CancelledError, DeadlineError):
            await member.outbox.drained().addTimeout(timeout, self._context.reactor)
        # Another reload took it back meanwhile, or the daemon stops, which ends it with all others.
        if not (member.is_leaving and self.running):
            return
        member.slot.replace(None)
        self._context.files.difference_update(member.files)
        member.files = set()
        self._log.info(
            "{backend} is removed; {count} measurements wait in the outbox until it is back",
            backend=member.outbox.key,
            count=member.outbox.pending,
        )


def _makes_pages(choice: BackendChoice) -> bool:
    declared = IBackendOptions(choice.maker, None)
    return declared is not None and declared.web is not None


def _is_served(backend: IBackend | None) -> bool:
    """Whether a daemon serves it over HTTP, which it does from its start on."""
    return bool(IWebBackend(backend, None) or IScrapedBackend(backend, None))
