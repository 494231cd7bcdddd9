"""The instruments that record a value at once: count, timing and gauge.

`Instruments` explains why they accept any arguments, and why each has its parameters twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING

from zibrato.client.arguments import MISSING, ONE, Arguments, raise_if_plain
from zibrato.client.bound import DirectCounter, DirectRecorder, DirectTimer
from zibrato.client.lookup import Lookup
from zibrato.client.signatures import Signatures
from zibrato.model import GAUGE


class DirectInstruments(Lookup, Signatures):
    """The instruments that neither decorate nor enclose anything."""

    if not TYPE_CHECKING:

        @wraps(Signatures.count)
        def count(self, name_=None, value_=ONE, /, name=None, value=ONE, *surplus, **options):
            try:
                if not options:
                    if name is None:
                        if value is ONE:
                            self._counts[name_](value_)
                            return
                        if value_ is ONE:
                            self._counts[name_](value)
                            return
                    elif name_ is None:
                        self._counts[name](value)
                        return
            except (KeyError, TypeError):
                pass
            except Exception:
                raise_if_plain(name_, name)
            self._record(DirectCounter, (name_, name), (value_, value), surplus, options)

        @wraps(Signatures.timing)
        def timing(
            self, name_=None, value_=MISSING, /, name=None, value=MISSING, *surplus, **options
        ):
            try:
                if not options:
                    if name is None:
                        if value is MISSING:
                            if value_ is not MISSING:
                                self._timings[name_](value_)
                                return
                        elif value_ is MISSING:
                            self._timings[name_](value)
                            return
                    elif name_ is None and value is not MISSING:
                        self._timings[name](value)
                        return
            except (KeyError, TypeError):
                pass
            except Exception:
                raise_if_plain(name_, name)
            self._record(DirectTimer, (name_, name), (value_, value), surplus, options)

        @wraps(Signatures.gauge)
        def gauge(
            self, name_=None, value_=MISSING, /, name=None, value=MISSING, *surplus, **options
        ):
            try:
                if not options:
                    if name is None:
                        if value is MISSING:
                            if value_ is not MISSING:
                                self._gauges[name_](value_)
                                return
                        elif value_ is MISSING:
                            self._gauges[name_](value)
                            return
                    elif name_ is None and value is not MISSING:
                        self._gauges[name](value)
                        return
            except (KeyError, TypeError):
                pass
            except Exception:
                raise_if_plain(name_, name)
            self._record(DirectRecorder, (name_, name), (value_, value), surplus, options)

    def bind_gauge(
        self,
        name: str,
        *,
        level: str | int = "info",
        source: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Callable[[float], object]:
        """Return a function that records a reading of one gauge, at the least cost.

        Raises TypeError or ValueError for a wrong argument.
        """
        return self._recorder.append(Arguments(name, MISSING, level, GAUGE, source, tags))
