"""A Celery application whose queue is a directory, $QUEUE, and whose task is counted and timed.

Run as a program it sends as many tasks as its argument says.
"""

from __future__ import annotations

import os
import sys

from billiard.util import set_pdeathsig
from celery import Celery
from celery.signals import worker_process_init

from zibrato import Zibrato

queue = os.environ["QUEUE"]
app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": queue,
    "data_folder_out": queue,
    "control_folder": queue,
}
app.conf.worker_cancel_long_running_tasks_on_connection_loss = False
app.conf.broker_connection_retry_on_startup = True
z = Zibrato(linger=60)
z.count("imported")


@app.task(name="work", ignore_result=True)  # type: ignore[untyped-decorator]  # Celery's
@z.time_me(name="worked")
@z.count_me(name="tasks")
def work(number: int) -> None:
    """Count more than that one."""
    z.count("asked", value=number)


@worker_process_init.connect  # type: ignore[untyped-decorator]  # Celery's
def stay(**_: object) -> None:
    """Outlive the thread that has forked this worker, in place of another one.

    Celery has the kernel kill workers as that thread ends, which it does at once when the pool is
    closed. That would be amid what a test is about. If such a worker has the lock of the queue that
    all of them read, Celery waits for the others for ever.
    """
    set_pdeathsig(0)
    print("worker ready", flush=True)


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        work.delay(number)
