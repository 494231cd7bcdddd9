"""What is recorded of tasks that run in the process that calls them; no worker is needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.exceptions import Ignore, TimeLimitExceeded
from celery.signals import task_failure, task_postrun

from zibrato.integrations.celery import measure
from zibrato.testing import RecordingZibrato

app = Celery("shop", broker="memory://", set_as_current=False)


@app.task(name="shop.add")  # type: ignore[untyped-decorator]  # Celery's
def add(first: int, second: int) -> int:
    return first + second


@app.task(name="shop.order", bind=True, max_retries=1)  # type: ignore[untyped-decorator]
def order(self: Any, item: int) -> None:
    raise self.retry(countdown=0, exc=LookupError(f"no item {item}"))


@app.task(name="shop.outer")  # type: ignore[untyped-decorator]
def outer() -> None:
    add.apply((1, 2))


@app.task(name="shop.ignored")  # type: ignore[untyped-decorator]
def ignored() -> None:
    raise Ignore


@app.task(name="shop.interrupted")  # type: ignore[untyped-decorator]
def interrupted() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def z() -> Iterator[RecordingZibrato]:
    """A client that all tasks are recorded with."""
    client = RecordingZibrato()
    measure(client)
    yield client
    measure(RecordingZibrato())


def states(z: RecordingZibrato) -> dict[tuple[str, str], float]:
    """Return the tasks by name and state, each of which was timed as well."""
    counted = [counter for counter in z.measurements if counter.name == "celery.tasks"]
    for counter in counted:
        assert len(z.timed("celery.task_time", tags=counter.tags)) == counter.sum
    return {(counter.tags["task"], counter.tags["state"]): counter.sum for counter in counted}


def test_tasks_by_state(z: RecordingZibrato) -> None:
    for number in range(3):
        add.apply((number, number))
    order.apply((3,))
    ignored.apply()
    assert states(z) == {
        ("shop.add", "SUCCESS"): 3,
        ("shop.order", "RETRY"): 1,
        ("shop.order", "FAILURE"): 1,
        ("shop.ignored", "IGNORED"): 1,
    }
    failure = {"task": "shop.order", "exception": "LookupError"}
    assert z.counted("celery.failures", level="error", tags=failure) == 1
    assert z.counted("celery.failures") == 1


def test_a_task_in_a_task_has_a_time_of_its_own(z: RecordingZibrato) -> None:
    outer.apply()
    assert states(z) == {("shop.add", "SUCCESS"): 1, ("shop.outer", "SUCCESS"): 1}
    (inner,) = z.timed("celery.task_time", tags={"task": "shop.add"})
    (whole,) = z.timed("celery.task_time", tags={"task": "shop.outer"})
    assert 0 < inner < whole


def test_an_interrupted_task_failed(z: RecordingZibrato) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted.apply()
    assert states(z) == {("shop.interrupted", "FAILURE"): 1}


def test_a_second_call_replaces_the_first(z: RecordingZibrato) -> None:
    other = RecordingZibrato()
    measure(other)
    add.apply((1, 2))
    assert (states(z), states(other)) == ({}, {("shop.add", "SUCCESS"): 1})


def test_an_end_without_a_beginning_is_counted(z: RecordingZibrato) -> None:
    task_postrun.send(sender=add, task_id="1", task=add, state="SUCCESS")
    assert z.counted("celery.tasks") == 1
    assert z.timed("celery.task_time") == []


def test_a_hard_time_limit_that_is_signalled_twice_is_counted_once(z: RecordingZibrato) -> None:
    for number in (1, 1, 2, 2):
        task_failure.send(sender=add, task_id=f"{number}", exception=TimeLimitExceeded(number))
    assert z.counted("celery.failures", tags={"exception": "TimeLimitExceeded"}) == 2
    for _ in range(2):  # of one task that runs twice
        task_failure.send(sender=add, task_id="3", exception=LookupError())
    assert z.counted("celery.failures", tags={"exception": "LookupError"}) == 2
