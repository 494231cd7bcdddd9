"""Work in processes of multiprocessing: pools.py {fork|spawn|forkserver} KIND.

Each KIND has 4 processes do 40 pieces of work and counts 40 itself.
"""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.context import BaseContext

from zibrato import Zibrato

z = Zibrato(linger=60)
PIECES = range(40)
PROCESSES = 4


@z.time_me(name="worked")
@z.count_me(name="work")
def work(number: int) -> int:
    """Do a piece of work."""
    z.count("asked", value=number)
    return number


def work_all(numbers: range) -> None:
    """Do several pieces."""
    for number in numbers:
        work(number)


def work_with_own_client(numbers: range) -> None:
    """Do several pieces, measured by a client that is made here and never closed."""
    own = Zibrato(linger=60, tags={"own": "yes"})
    timer = own.time_me(name="worked")
    for number in numbers:
        with timer, own.count_me(name="work"):
            own.count("asked", value=number)


def work_and_have_worked(context: BaseContext, numbers: range) -> None:
    """Do half of the pieces, and have the other half done by a process of this one."""
    child = context.Process(target=work_all, args=(numbers[::2],))  # type: ignore[attr-defined]  # the base has none
    child.start()
    work_all(numbers[1::2])
    child.join()


def processes(context: BaseContext) -> None:
    """Processes with the client of this module."""
    run(context, work_all)


def own_clients(context: BaseContext) -> None:
    """Processes with clients of their own."""
    run(context, work_with_own_client)


def grandchildren(context: BaseContext) -> None:
    """Processes with children."""
    run(context, work_and_have_worked, context)


def run(context: BaseContext, target: Callable[..., None], *arguments: object) -> None:
    """Have processes do the work with `target`, and wait for them."""
    started = []
    for index in range(PROCESSES):
        numbers = PIECES[index::PROCESSES]
        process = context.Process(target=target, args=(*arguments, numbers))  # type: ignore[attr-defined]  # the base has none
        process.start()
        started.append(process)
    for process in started:
        process.join()
        if process.exitcode:
            sys.exit(process.exitcode)


def pool(context: BaseContext) -> None:
    """A Pool that is closed and joined; each of its processes does 5 pieces at most."""
    with context.Pool(PROCESSES, maxtasksperchild=5) as workers:
        workers.map(work, PIECES, chunksize=1)
        workers.close()
        workers.join()


def executor(context: BaseContext) -> None:
    """A ProcessPoolExecutor."""
    with ProcessPoolExecutor(PROCESSES, mp_context=context) as workers:
        list(workers.map(work, PIECES))


def terminated(context: BaseContext) -> None:
    """A Pool that is terminated as soon as its parent gets SIGUSR1."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    workers = context.Pool(PROCESSES)
    workers.map(work, PIECES)
    print("worked", flush=True)
    signal.sigwait({signal.SIGUSR1})
    workers.terminate()
    workers.join()


KINDS = [processes, own_clients, grandchildren, pool, executor, terminated]

if __name__ == "__main__":
    method, kind = sys.argv[1:]
    for _ in PIECES:
        z.count("parent")
    {function.__name__: function for function in KINDS}[kind](multiprocessing.get_context(method))
