"""Functions wrapped by either decorator, each with a log of what it records."""

from typing import Any

from zibrato.client.decorators import count_calls, time_calls


class Log(list[Any]):
    """A list that can also stand for a tick."""

    def tick(self) -> None:
        self.append("tick")


def both(function: Any) -> list[tuple[Any, Log]]:
    """Return the function counted, and timed, each with the log of its records."""
    counted, timed = Log(), Log()
    return [
        (count_calls(function, counted.tick), counted),
        (time_calls(function, timed.append), timed),
    ]
