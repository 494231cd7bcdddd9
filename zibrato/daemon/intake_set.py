"""The intakes of a daemon; a reload can open and close sockets, and loses nothing by that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence

from twisted.application.service import IService, MultiService
from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger
from twisted.python import usage

from zibrato.daemon.settings import Settings
from zibrato.interfaces import IIntake

Opened = Mapping[Hashable, IIntake]
"""Intakes, by the endpoints and addresses that they listen at."""
Make = Callable[[Settings, Collection[Hashable]], Opened]


class IntakeSet(MultiService):
    """Runs the intakes that `make` returns for the settings, and the `fixed` ones.

    `make` gets the endpoints and addresses that are already open, and returns intakes for the
    others. It raises usage.UsageError if it can't make one.
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
        """All intakes that are open."""
        # With --acknowledgements ENDPOINT several sockets share an intake.
        return [*dict.fromkeys(self._opened.values()), *self._fixed]

    @property
    def addresses(self) -> Sequence[str]:
        """The addresses where clients reach the intakes."""
        return [address for intake in self.intakes for address in intake.addresses]

    def open(self, settings: Settings) -> None:
        """Open intakes that are new in the settings; raises usage.UsageError, with none opened."""
        new = self._make(settings, self._opened.keys())
        started: list[IIntake] = []
        try:
            for intake in new.values():
                self._adopt(intake)
                started.append(intake)
        except OSError as error:
            # The intake that failed to start has been adopted, too.
            self._undo([*started, intake])
            raise usage.UsageError(error.strerror or str(error)) from None
        self._opened.update(new)

    async def close_others(self, places: Collection[Hashable]) -> None:
        """Close all intakes that are at none of `places`, after handing on what has arrived."""
        closing = [self._opened.pop(place) for place in [*self._opened] if place not in places]
        await gatherResults([Deferred.fromCoroutine(self._close(intake)) for intake in closing])

    async def drain(self) -> None:
        """Drain all intakes."""
        await gatherResults([intake.drain() for intake in self.intakes])

    async def _close(self, intake: IIntake) -> None:
        addresses = ", ".join(intake.addresses)
        try:
            await intake.drain()
        except Exception:  # a bug must not keep this intake, or others, open
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
