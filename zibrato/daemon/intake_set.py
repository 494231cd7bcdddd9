"""The intakes of a daemon; sockets open and close while it runs, and nothing is lost over it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python import usage

from zibrato.daemon.settings import Settings
from zibrato.interfaces import IIntake

Opened = Mapping[Hashable, IIntake]
"""Intakes by the endpoints and addresses that they listen at."""
Make = Callable[[Settings, Collection[Hashable]], Opened]


class IntakeSet(MultiService):
    """Has the intakes that `make` returns for settings, by what they listen at, and `fixed` ones.

    `make` is told what there is already; it raises usage.UsageError for what can't be had.
    """

    _log = Logger()

    def __init__(self, make: Make, settings: Settings, fixed: Sequence[IIntake] = ()) -> None:
        MultiService.__init__(self)
        self._make = make
        self._opened = dict(make(settings, ()))
        self._fixed = fixed
        for intake in self.intakes:
            self._adopt(intake)

    @property
    def intakes(self) -> Sequence[IIntake]:
        """All that there are now."""
        # With an endpoint of their own for acknowledgements, several sockets share an intake.
        return [*dict.fromkeys(self._opened.values()), *self._fixed]

    @property
    def addresses(self) -> Sequence[str]:
        """Where clients reach them."""
        return [address for intake in self.intakes for address in intake.addresses]

    def open(self, settings: Settings) -> Opened:
        """Open what is new of the settings; raises usage.UsageError, and then nothing is."""
        new = self._make(settings, self._opened.keys())
        started: list[IIntake] = []
        try:
            for intake in new.values():
                self._adopt(intake)
                started.append(intake)
        except OSError as error:
            # The one that failed was adopted before that.
            self._undo([*started, intake])
            raise usage.UsageError(error.strerror or str(error)) from None
        self._opened.update(new)
        return new

    def close_again(self, opened: Opened) -> None:
        """Close what was opened in vain."""
        for place in opened:
            del self._opened[place]
        self._undo(list(opened.values()))

    async def close_others(self, places: Collection[Hashable]) -> None:
        """Close all that is at none of the places, once what has arrived there is handed over."""
        closing = [self._opened.pop(place) for place in [*self._opened] if place not in places]
        await gatherResults([Deferred.fromCoroutine(self._close(intake)) for intake in closing])

    async def drain(self) -> None:
        """Have all of them drained."""
        await gatherResults([intake.drain() for intake in self.intakes])

    async def _close(self, intake: IIntake) -> None:
        addresses = ", ".join(intake.addresses)
        try:
            await intake.drain()
        except Exception:  # a bug must not leave the others open
            self._log.failure("closing {addresses} failed", addresses=addresses)
        self._undo([intake])
        self._log.info("closed {addresses}", addresses=addresses)

    def _adopt(self, intake: IIntake) -> None:
        service: IService = intake
        service.setServiceParent(self)

    def _undo(self, intakes: Sequence[IIntake]) -> None:
        services: Sequence[IService] = intakes
        for service in services:
            service.disownServiceParent()
