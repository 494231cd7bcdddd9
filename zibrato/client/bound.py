"""What instruments hand out, bound to its buffers: it checks its arguments once, then records."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from zibrato.client.arguments import Arguments
from zibrato.client.decorators import count_calls, time_calls
from zibrato.client.recorder import Recorder, noop
from zibrato.client.stopwatch import Stopwatch
from zibrato.model import COUNTER, GAUGE, TIMER

F = TypeVar("F", bound=Callable[..., object])
Record = Callable[[object], object]


class CountMe:
    """Counts calls of a function, or entries into a `with`; `count()` counts one directly."""

    __slots__ = ("_arguments", "_recorder", "count")
    mtype = COUNTER

    def __init__(self, recorder: Recorder, arguments: Arguments) -> None:
        self._recorder = recorder
        self._arguments = arguments
        self.count: Callable[[], object]
        try:
            self.count = recorder.event(arguments)
        except (TypeError, ValueError):
            self.count = recorder.reject

    def __call__(self, function: F) -> F:
        """Return `function` counted, or itself where the level is off."""
        arguments = self._arguments.for_function(function)
        # Decided once, here: a function below the level stays as it is, and costs nothing.
        event = self._recorder.event(arguments)
        return function if event is noop else count_calls(function, event)

    def __enter__(self) -> None:
        self.count()

    def __exit__(self, *_: object) -> None:
        """Let an exception pass."""

    async def __aenter__(self) -> None:
        self.count()

    async def __aexit__(self, *_: object) -> None:
        """Let an exception pass."""


class TimeMe(Stopwatch):
    """Times calls of a function, or the body of a `with`; `record(seconds)` records directly."""

    __slots__ = ("_arguments", "_recorder")
    mtype = TIMER

    def __init__(self, recorder: Recorder, arguments: Arguments) -> None:
        self._recorder = recorder
        self._arguments = arguments
        try:
            super().__init__(recorder.append(arguments))
        except (TypeError, ValueError):
            super().__init__(recorder.reject)

    def __call__(self, function: F) -> F:
        """Return `function` timed, or itself where the level is off."""
        arguments = self._arguments.for_function(function)
        append = self._recorder.append(arguments)
        return function if append is noop else time_calls(function, append)


class DirectRecorder:
    """Records the values it is given; `record` takes one."""

    __slots__ = ("record",)
    mtype = GAUGE

    def __init__(self, recorder: Recorder, arguments: Arguments) -> None:
        try:
            self.record: Record = recorder.append(arguments)
        except (TypeError, ValueError):
            self.record = recorder.reject


class DirectCounter(DirectRecorder):
    """Records increments."""

    __slots__ = ()
    mtype = COUNTER


class DirectTimer(DirectRecorder):
    """Records durations, in seconds."""

    __slots__ = ()
    mtype = TIMER
