"""Counts and times Celery's tasks by their names and states.

measure()
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Protocol

from zibrato import Zibrato
from zibrato.client.instruments import Instruments

__all__ = ["measure"]


class _Task(Protocol):
    """What is used of a Celery task; `request` is of its run, and takes any attribute."""

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
    """Receives signals. What it raised Celery would log, for every task, and go on."""

    def __init__(self, z: Instruments) -> None:
        self._z = z
        # As few as there are tasks in the application, and states.
        self._bound: dict[tuple[str, object], _Bound] = {}

    def begin(self, *, task: _Task, **_: object) -> None:
        """Note the time with the run of the task: tasks run in threads, greenlets, and in tasks."""
        task.request.zibrato_begun = perf_counter()

    def end(self, *, task: _Task, state: object, **_: object) -> None:
        """Count and time the run; its state is SUCCESS, FAILURE, RETRY, IGNORED or REJECTED."""
        bound = self._bound.get((task.name, state))
        count, record = bound or self._bind(task.name, state)
        count()
        begun = getattr(task.request, "zibrato_begun", None)
        if begun is not None:
            record(perf_counter() - begun)

    def fail(self, *, sender: _Task, exception: BaseException, **_: object) -> None:
        """Count a failure by the type of its exception, at level `error`."""
        tags = {"task": str(sender.name), "exception": type(exception).__name__}
        self._z.count("celery.failures", level="error", tags=tags)

    def _bind(self, name: str, state: object) -> _Bound:
        """Return what counts and times runs of a task that end so, kept for the next of them."""
        # What is raised and no Exception leaves no state.
        tags = {"task": str(name), "state": str(state or "FAILURE")}
        counter = self._z.count_me("celery.tasks", tags=tags)
        timer = self._z.time_me("celery.task_time", tags=tags)
        bound = self._bound[name, state] = (counter.count, timer.record)
        return bound
