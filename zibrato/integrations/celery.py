"""Counts and times Celery's tasks by their names and states.

measure()
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

from zibrato import Zibrato
from zibrato.client.instruments import Instruments

__all__ = ["measure"]


TIMED_OUT = "TimeLimitExceeded"
"""The exception of a hard time limit, which Celery 5.7 signals twice."""
_MAX_TIMED_OUT = 1000


class _Task(Protocol):
    """The part of a Celery task that is used; `request` is its run's, and accepts attributes."""

    name: str
    request: _Run


class _Run(Protocol):
    zibrato_begun: float


_Bound = tuple[Callable[[], object], Callable[[float], object]]


def measure(z: Instruments | None = None) -> None:
    """Count and time all tasks of this process and of the workers that it forks.

    The default of `z` is `Zibrato()`. Call this where the Celery application is made, in a module
    that the workers import. A second call replaces the first.
    """
    from celery.signals import task_failure, task_postrun, task_prerun  # noqa: PLC0415 - Celery may be missing

    tasks = _Tasks(Zibrato() if z is None else z)
    for signal, receiver in (
        (task_prerun, tasks.begin),
        (task_postrun, tasks.end),
        (task_failure, tasks.fail),
    ):
        signal.disconnect(dispatch_uid=__name__)
        signal.connect(receiver, weak=False, dispatch_uid=__name__)


class _Tasks:
    """Receives signals. Celery would log what a receiver raises, for every task, and continue."""

    def __init__(self, z: Instruments) -> None:
        self._z = z
        # There are only as many as the application has tasks and states.
        self._bound: dict[tuple[str, object], _Bound] = {}
        self._timed_out: deque[object] = deque(maxlen=_MAX_TIMED_OUT)

    def begin(self, *, task: _Task, **_: object) -> None:
        """Note the time in the task's run: tasks run in threads, in greenlets, and in tasks."""
        task.request.zibrato_begun = perf_counter()

    def end(self, *, task: _Task, state: object, **_: object) -> None:
        """Count and time the run; its state is SUCCESS, FAILURE, RETRY, IGNORED or REJECTED."""
        bound = self._bound.get((task.name, state))
        count, record = bound or self._bind(task.name, state)
        count()
        begun = getattr(task.request, "zibrato_begun", None)
        if begun is not None:
            record(perf_counter() - begun)

    def fail(
        self, *, sender: _Task, task_id: object, exception: BaseException, **_: object
    ) -> None:
        """Count a failure by the type of its exception, at level `error`."""
        kind = type(exception).__name__
        if kind == TIMED_OUT:
            if task_id in self._timed_out:
                return
            self._timed_out.append(task_id)
        tags = {"task": str(sender.name), "exception": kind}
        self._z.count("celery.failures", level="error", tags=tags)

    def _bind(self, name: str, state: object) -> _Bound:
        """Return functions that count and time such runs of a task, cached for the next run."""
        # A task that raises what isn't an Exception leaves no state.
        tags = {"task": str(name), "state": str(state or "FAILURE")}
        counter = self._z.count_me("celery.tasks", tags=tags)
        timer = self._z.time_me("celery.task_time", tags=tags)
        bound = self._bound[name, state] = (counter.count, timer.record)
        return bound
