"""The objects that instruments return: they check their arguments once, and then only record."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from zibrato.client import arguments as reading
from zibrato.client.arguments import KEYWORDS, Arguments
from zibrato.client.decorators import (
    count_calls,
    count_errors,
    time_calls,
    time_outcomes,
    track_calls,
)
from zibrato.client.outcomes import Exceptions, matches
from zibrato.client.recorder import Recorder, noop
from zibrato.client.stopwatch import Stopwatch
from zibrato.model import COUNTER, GAUGE, TIMER

F = TypeVar("F", bound=Callable[..., object])
Record = Callable[[object], object]


class CountMe:
    """Counts calls of a function, or entries into a `with`; `count()` counts one directly."""

    __slots__ = ("_arguments", "_recorder", "count")
    mtype = COUNTER
    keywords = KEYWORDS

    def __init__(self, recorder: Recorder, arguments: Arguments) -> None:
        self._recorder = recorder
        self._arguments = arguments
        self.count: Callable[[], object]
        try:
            self.count = recorder.event(arguments)
        except (TypeError, ValueError):
            # Raise nothing here, because a `with` may be running. A decorator raises when it gets
            # its function.
            self.count = recorder.reject

    def __call__(self, function: F) -> F:
        """Return a counted `function`, or `function` itself if its level is off."""
        arguments = self._arguments.for_function(function)
        # Decide only once, here: a function below the level remains as it is and costs nothing.
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


class CountExceptions:
    """Counts the calls, or bodies of a `with`, that an exception ends; `count()` counts one."""

    __slots__ = ("_arguments", "_exceptions", "_recorder", "count")
    mtype = COUNTER
    keywords = (*KEYWORDS, "exceptions")

    def __init__(self, recorder: Recorder, arguments: Arguments) -> None:
        self._recorder = recorder
        self._arguments = arguments
        self._exceptions: Exceptions = (Exception,)
        self.count: Callable[[], object]
        try:
            self.count = recorder.event(arguments)
            self._exceptions = reading.exceptions(arguments.exceptions)
        except (TypeError, ValueError):
            self.count = recorder.reject

    def __call__(self, function: F) -> F:
        """Return `function` with its exceptions counted, or itself if its level is off."""
        event = self._recorder.event(self._arguments.for_function(function))
        return function if event is noop else count_errors(function, event, self._exceptions)

    def __enter__(self) -> None:
        """Begin a body."""

    def __exit__(self, _kind: object = None, error: object = None, *_: object) -> None:
        if error is not None and matches(error, self._exceptions):
            self.count()

    async def __aenter__(self) -> None:
        """Begin a body."""

    async def __aexit__(self, *error: object) -> None:
        self.__exit__(*error)


class TimeMe(Stopwatch):
    """Times calls of a function, or the body of a `with`; `record(seconds)` records directly."""

    __slots__ = ("_arguments", "_recorder")
    mtype = TIMER
    keywords = (*KEYWORDS, "outcome")

    def __init__(self, recorder: Recorder, arguments: Arguments) -> None:
        self._recorder = recorder
        self._arguments = arguments
        try:
            # `is`, because testing the truth of the argument would run its code, which may raise.
            outcomes = recorder.outcomes(arguments) if arguments.outcome is True else None
            if outcomes is None:
                super().__init__(recorder.append(arguments))
            else:
                super().__init__(outcomes.ok, outcomes.end)
        except (TypeError, ValueError):
            super().__init__(recorder.reject)

    def __call__(self, function: F) -> F:
        """Return a timed `function`, or `function` itself if its level is off."""
        arguments = self._arguments.for_function(function)
        if arguments.outcome is True:
            outcomes = self._recorder.outcomes(arguments)
            return function if outcomes is None else time_outcomes(function, outcomes)
        append = self._recorder.append(arguments)
        return function if append is noop else time_calls(function, append)


class InProgress:
    """Tracks how many calls of a function, or bodies of a `with`, are in progress."""

    __slots__ = ("_arguments", "_enter", "_leave", "_recorder")
    mtype = GAUGE
    keywords = ("level", "name", "source", "tags")

    def __init__(self, recorder: Recorder, arguments: Arguments) -> None:
        self._recorder = recorder
        self._arguments = arguments
        self._enter: Callable[[], object] = noop
        self._leave: Callable[[], object] = noop
        try:
            buffer = recorder.in_progress(arguments)
        except (TypeError, ValueError):
            self._enter = recorder.reject
        else:
            if buffer is not None:
                self._enter, self._leave = buffer.enter, buffer.leave

    def __call__(self, function: F) -> F:
        """Return `function` with its calls tracked, or itself if its level is off."""
        buffer = self._recorder.in_progress(self._arguments.for_function(function))
        return function if buffer is None else track_calls(function, buffer.enter, buffer.leave)

    def __enter__(self) -> None:
        self._enter()

    def __exit__(self, *_: object) -> None:
        self._leave()

    async def __aenter__(self) -> None:
        self._enter()

    async def __aexit__(self, *_: object) -> None:
        self._leave()


class DirectRecorder:
    """Records given values; `record` takes one."""

    __slots__ = ("record",)
    mtype = GAUGE
    keywords = KEYWORDS

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
