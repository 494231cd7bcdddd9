"""The backends of a daemon, each with an outbox in front; a reload can add and remove them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from twisted.application.service import IService, MultiService
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeadlineError
from twisted.logger import Logger
from twisted.python import usage

from zibrato.daemon.backend_choices import BackendChoice
from zibrato.daemon.backend_keys import delayed, differ, keyed
from zibrato.daemon.backend_making import MadeBackend, is_served, make, makes_pages
from zibrato.daemon.backend_slot import BackendSlot
from zibrato.daemon.outbox.journal import Journal
from zibrato.daemon.outbox.outbox import Outbox
from zibrato.daemon.self_metrics import SelfMetrics
from zibrato.interfaces import BackendContext, IBackend


@dataclass
class Member:
    """A backend in its slot, with the choice it was made from, its outbox and its files."""

    choice: BackendChoice
    slot: BackendSlot
    outbox: Outbox
    files: Collection[Path] = field(default_factory=set)
    leaving: object = None
    """What the wait before its removal is known by, if it is being removed or was."""

    @property
    def is_leaving(self) -> bool:
        """Whether the backend isn't configured any more."""
        return self.leaving is not None


class Plan(NamedTuple):
    """What a reload will do: the choices and the backends newly made for them, both by key.

    `restart` names the backends whose change needs a restart.
    """

    choices: Mapping[str, BackendChoice]
    made: Mapping[str, MadeBackend]
    restart: Sequence[str]


class BackendSet(MultiService):
    """Runs the backends, each with an outbox. A removed backend has a while to ship its outbox.

    What a removed backend has not got by then stays in the outboxes' file, or in memory, until the
    backend is configured again.
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
            self._add(key, choice, make(choice, context))

    @property
    def outboxes(self) -> Sequence[Outbox]:
        """The outboxes of all configured backends."""
        return [member.outbox for member in self._members.values() if not member.is_leaving]

    @property
    def removed_outboxes(self) -> Sequence[Outbox]:
        """The outboxes of removed backends in which measurements still wait."""
        removed = (member.outbox for member in self._members.values() if member.is_leaving)
        return [outbox for outbox in removed if outbox.pending]

    @property
    def backends(self) -> Sequence[IBackend]:
        """All configured backends."""
        slots = (member.slot for member in self._members.values() if not member.is_leaving)
        return [slot.current for slot in slots if slot.current is not None]

    @property
    def delivering(self) -> Sequence[Outbox]:
        """The outboxes that have a backend, including removed ones that still ship."""
        members = self._members.values()
        return [member.outbox for member in members if member.slot.current is not None]

    def plan(self, choices: Sequence[BackendChoice]) -> Plan:
        """Make new and changed backends; raises usage.UsageError, after discarding all of them.

        If a new backend needs a restart, all other changes wait for it, too. Otherwise measurements
        might have no place until then: those that only a removed backend, or a changed filter, had.
        """
        asked, running = self._keyed(choices), self._running
        wanted, made, restart = dict(asked), dict[str, MadeBackend](), list[str]()
        for key, choice in running.items():
            is_other = key not in asked or differ(choice, asked[key])
            if is_other and is_served(self._members[key].slot.current):
                restart.append(f"--backend {choice.label}")
                wanted[key] = choice
        plan = Plan(wanted, made, restart)
        try:
            for key, choice in wanted.items():
                if self._is_new(key, choice):
                    new = self._make_unserved(key, choice, asked)
                    if new is None:
                        self.discard(plan)
                        kept, changed = delayed(running, asked)
                        return Plan(kept, {}, [f"--backend {label}" for label in changed])
                    made[key] = new
        except Exception:
            self.discard(plan)
            raise
        return plan

    def discard(self, plan: Plan) -> None:
        """Stop the backends that were made for a plan that won't be carried out."""
        for made in plan.made.values():
            self._discard(made)

    def take_over(self, plan: Plan, timeout: float) -> None:
        """Carry out a plan; removed backends have `timeout` seconds to ship what waits for them."""
        for key, choice in plan.choices.items():
            made, member = plan.made.get(key), self._members.get(key)
            if member is not None:
                self._change(member, choice, made)
            elif made is not None:
                self._add(key, choice, made)
                self._log.info("{backend} was added", backend=key)
        for key, member in self._members.items():
            if key not in plan.choices and not member.is_leaving:
                Deferred.fromCoroutine(self._leave(member, timeout))

    def reload(self, choices: Sequence[BackendChoice]) -> None:
        """Have all backends take over changed secrets and retry postponed deliveries."""
        for key, choice in self._keyed(choices).items():
            member = self._members.get(key)
            if member is not None and not (member.is_leaving or differ(member.choice, choice)):
                member.choice = member.choice._replace(settings=choice.settings)
                self._reload(member)

    def _keyed(self, choices: Sequence[BackendChoice]) -> dict[str, BackendChoice]:
        return keyed(choices, self._running)

    @property
    def _running(self) -> Mapping[str, BackendChoice]:
        """The choices of all configured backends, by key."""
        members = self._members.items()
        return {key: member.choice for key, member in members if not member.is_leaving}

    def _is_new(self, key: str, choice: BackendChoice) -> bool:
        member = self._members.get(key)
        return member is None or member.slot.current is None or differ(member.choice, choice)

    def _make_unserved(
        self, key: str, choice: BackendChoice, asked: Mapping[str, BackendChoice]
    ) -> MadeBackend | None:
        """Make a backend; return None for one that needs a restart.

        The daemon serves it, or it is to have the file of another one that still runs.
        """
        if makes_pages(choice):
            return None
        changing = {
            one: member.files
            for one, member in self._members.items()
            if one not in asked or self._is_new(one, asked[one])
        }
        try:
            made = make(choice, self._context, changing.get(key, ()))
        except usage.UsageError:  # if it stands then, too, the backend is wrong in itself
            self._discard(make(choice, self._context, set().union(*changing.values())))
            return None
        if not is_served(made.backend):
            return made
        self._discard(made)
        return None

    def _discard(self, made: MadeBackend) -> None:
        kept = {path for member in self._members.values() for path in member.files}
        self._context.files.difference_update(set(made.files) - kept)
        made.backend.stop()

    def _add(self, key: str, choice: BackendChoice, made: MadeBackend) -> None:
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
        child: IService = outbox
        child.setServiceParent(self)
        if self.journal is not None:
            self.journal.join(outbox)

    def _change(self, member: Member, choice: BackendChoice, made: MadeBackend | None) -> None:
        member.choice = choice
        member.outbox.filter = choice.filter
        member.outbox.bound(choice.outbox_size, choice.outbox_age)
        if member.is_leaving and self.journal is not None:
            self.journal.join(member.outbox)
        member.leaving = None
        if made is not None:
            self._context.files.difference_update(set(member.files) - set(made.files))
            member.files = made.files
            member.slot.replace(made.backend)
            self._log.info("{backend} was replaced", backend=member.outbox.key)
            member.outbox.retry()
        else:
            self._reload(member)

    def _reload(self, member: Member) -> None:
        try:
            member.slot.reload(member.choice.settings)
        except Exception:  # a backend's bug must not keep others from reloading, nor abort a stop
            self._log.failure("{backend} failed to reload", backend=member.slot.name)
        # The key or address may be right now, so postponed deliveries needn't wait any longer.
        member.outbox.retry()

    async def _leave(self, member: Member, timeout: float) -> None:
        """Give a removed backend time to ship what waits for it, then stop it."""
        this = member.leaving = object()
        if self.journal is not None:
            self.journal.leave(member.outbox)
            await self.journal.idle()
        with suppress(CancelledError, DeadlineError):
            await member.outbox.drained().addTimeout(timeout, self._context.reactor)
        # A later reload restored the backend, and may have removed it again, or the daemon is
        # stopping, which stops all backends.
        if not (member.leaving is this and self.running):
            return
        member.slot.replace(None)
        self._context.files.difference_update(member.files)
        member.files = set()
        self._log.info(
            "{backend} was removed; {count} measurements wait in the outbox until it is back",
            backend=member.outbox.key,
            count=member.outbox.pending,
        )
