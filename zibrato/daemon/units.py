"""Hands the units of metrics to the backends that store them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from twisted.internet.defer import maybeDeferred

from zibrato.interfaces import IBackend, IUnitBackend

MAX_NAMES = 20_000
"""The most metrics whose units are remembered; the units of further metrics are ignored."""


class Units:
    """Hands the unit of each metric, once, to all backends that store units."""

    def __init__(self) -> None:
        self._backends: list[IUnitBackend] = []
        self._told: dict[str, str] = {}
        self._new: dict[str, str] = {}
        self._busy = 0

    def send_to(self, backends: Iterable[IBackend]) -> None:
        """From now on hand units to those of `backends` that store them."""
        adapted = (IUnitBackend(backend, None) for backend in backends)
        self._backends = [backend for backend in adapted if backend is not None]

    def tell(self, units: Mapping[str, str]) -> None:
        """Hand on new and changed units, by metric; gathers them while backends are busy."""
        for name, unit in units.items():
            is_known = name in self._told
            if self._told.get(name) != unit and (is_known or len(self._told) < MAX_NAMES):
                self._told[name] = self._new[name] = unit
        self._hand_on()

    def _hand_on(self) -> None:
        if self._busy or not self._new:
            return
        new, self._new = self._new, {}
        self._busy = len(self._backends)
        for backend in self._backends:
            maybeDeferred(backend.keep_units, new).addBoth(self._kept)

    def _kept(self, _: object) -> None:
        self._busy -= 1
        self._hand_on()
