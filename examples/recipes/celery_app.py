"""Celery signals that count and time tasks by name and state.

    celery --workdir examples/recipes --app celery_app worker

The recipe is the three functions and how they are connected. It goes where the Celery app is made:
the worker imports it once, and its prefork children send what they record themselves.
"""

from __future__ import annotations

import os
from time import perf_counter
from typing import Any

from celery import Celery
from celery.signals import task_failure, task_postrun, task_prerun

from zibrato import Zibrato

z = Zibrato()
begun: dict[str, float] = {}


def task_begins(*, task_id: str, **_: Any) -> None:
    """Note the time."""
    begun[task_id] = perf_counter()


def task_ends(*, task_id: str, task: Any, state: str, **_: Any) -> None:
    """Count and time the task; its state is SUCCESS, FAILURE, RETRY, …."""
    tags = {"task": task.name, "state": state}
    z.count("celery.tasks", tags=tags)
    z.timing("celery.task_time", perf_counter() - begun.pop(task_id), tags=tags)


def task_fails(*, sender: Any, exception: BaseException, **_: Any) -> None:
    """Count the failure by the type of its exception."""
    tags = {"task": sender.name, "exception": type(exception).__name__}
    z.count("celery.failures", level="error", tags=tags)


task_prerun.connect(task_begins)
task_postrun.connect(task_ends)
task_failure.connect(task_fails)

app = Celery("shop", broker="filesystem://")
directory = os.environ.get("QUEUE", "/tmp/shop-queue")
os.makedirs(directory, exist_ok=True)
app.conf.broker_transport_options = {
    "data_folder_in": directory,
    "data_folder_out": directory,
    "control_folder": directory,
}


@app.task(name="shop.add")  # type: ignore[untyped-decorator]  # Celery's
def add(first: int, second: int) -> int:
    """Add."""
    return first + second


@app.task(name="shop.order", bind=True, max_retries=1)  # type: ignore[untyped-decorator]  # Celery's
def order(self: Any, item: int) -> None:
    """Fail: the first time to be tried again, then for good."""
    raise self.retry(countdown=0, exc=LookupError(f"no item {item}"))
