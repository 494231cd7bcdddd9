"""The instruments: decorators and context managers, and direct calls, shared by every client.

A wrong argument raises where a function is decorated. In a running call nothing ever raises: what
can't be recorded is dropped and counted.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING

from zibrato.client.arguments import raise_if_plain
from zibrato.client.bound import CountExceptions, CountMe, InProgress, TimeMe
from zibrato.client.direct import DirectInstruments
from zibrato.client.signatures import Signatures

__all__ = [
    "CountExceptions",
    "CountMe",
    "InProgress",
    "Instruments",
    "TimeMe",
]


class Instruments(DirectInstruments):
    """The instruments of a client.

    Every instrument takes `name` first (1 to 255 characters; a decorator's default is the
    function's module and qualified name), and by keyword `level` (a name, a label or a number),
    `mtype` (counter, timer or gauge), `source` and `tags` (strings by name; few values a tag).

    A running call never raises, whatever its arguments are. Therefore each instrument accepts any
    arguments, instead of leaving it to Python to reject them. A wrong argument is an error to a
    type checker, raises at decoration, and is counted as dropped in a running call.
    """

    if not TYPE_CHECKING:
        # One argument has two parameters, positional and by keyword: Python would raise if it were
        # given twice, and looking for it in `options` would cost as much as the call. A surplus
        # positional argument is taken for such a name before `surplus` gets it. So Python rejects
        # one kind of call: with a surplus argument and with `name=`. Keyword-only parameters would
        # avoid that, but cost every call 10 ns.

        @wraps(Signatures.count_me)
        def count_me(self, name_=None, /, name=None, *surplus, **options):
            try:
                if not options:
                    if name_ is None:
                        return self._counters[name]
                    if name is None:
                        return self._counters[name_]
            except (KeyError, TypeError):  # not cached yet, or unhashable
                pass
            except Exception:
                raise_if_plain(name_, name)
            return self._for_calls(CountMe, self._counters, (name_, name), surplus, options)

        @wraps(Signatures.count_exceptions)
        def count_exceptions(self, name_=None, /, name=None, *surplus, **options):
            try:
                if not options:
                    if name_ is None:
                        return self._exceptions[name]
                    if name is None:
                        return self._exceptions[name_]
            except (KeyError, TypeError):  # not cached yet, or unhashable
                pass
            except Exception:
                raise_if_plain(name_, name)
            return self._for_calls(
                CountExceptions, self._exceptions, (name_, name), surplus, options
            )

        @wraps(Signatures.time_me)
        def time_me(self, name_=None, /, name=None, *surplus, **options):
            try:
                if not options:
                    if name_ is None:
                        return self._timers[name]
                    if name is None:
                        return self._timers[name_]
            except (KeyError, TypeError):  # not cached yet, or unhashable
                pass
            except Exception:
                raise_if_plain(name_, name)
            return self._for_calls(TimeMe, self._timers, (name_, name), surplus, options)

        @wraps(Signatures.in_progress)
        def in_progress(self, name_=None, /, name=None, *surplus, **options):
            try:
                if not options:
                    if name_ is None:
                        return self._in_progress[name]
                    if name is None:
                        return self._in_progress[name_]
            except (KeyError, TypeError):  # not cached yet, or unhashable
                pass
            except Exception:
                raise_if_plain(name_, name)
            return self._for_calls(InProgress, self._in_progress, (name_, name), surplus, options)

        Count_me = count_me
        Time_me = time_me
