"""A Celery application that counts and times its tasks.

celery --workdir examples/frameworks --app celery_app worker
"""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

from zibrato.integrations.celery import measure

measure()
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
    """Fail twice: Celery retries the first failure, and the second is final."""
    raise self.retry(countdown=0, exc=LookupError(f"no item {item}"))
