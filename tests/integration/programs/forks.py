"""Forks without any library: forks.py KIND [NUMBER]."""

from __future__ import annotations

import _thread
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

from zibrato import Zibrato

z = Zibrato(linger=60, max_pending=10**7)


def record(name: str, times: int) -> None:
    """Count, time and read so many times."""
    for _ in range(times):
        z.count(name)
        z.timing(f"{name}.timed", 0.5)


def fork(work: Callable[[], object]) -> int:
    """Return the pid of a child that does `work`, and ends as Python does."""
    pid = os.fork()
    if not pid:
        work()
        sys.exit()
    return pid


def join(*pids: int) -> None:
    """Wait for children; raise where one failed."""
    for pid in pids:
        _, status = os.waitpid(pid, 0)
        if status:
            raise RuntimeError(f"{pid} ended with {status}")


def busy(number: int) -> None:
    """Fork so often while 4 threads record; print how often those did."""
    stop = threading.Event()
    recorded: list[int] = []

    def hammer(name: str) -> None:
        tick = z.count_me(name="busy").count
        record_time = z.time_me(name=f"busy.{name}").record
        times = 0
        while not stop.is_set():
            tick()
            record_time(1)
            z.gauge(f"gauge.{times % 50}", times)
            times += 1
            sum(range(500))  # else the sender, one thread of five, could hardly keep up
        recorded.append(times)

    threads = [threading.Thread(target=hammer, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for _ in range(number // 4):
        join(*[fork(lambda: record("child", 50)) for _ in range(4)])
    stop.set()
    for thread in threads:
        thread.join()
    print(sum(recorded))


def generations(number: int) -> None:
    """Fork a child that forks a child, and so on."""
    record("generation", 10)
    if number:
        join(fork(lambda: generations(number - 1)))
    record("generation", 10)


def amid(number: int) -> None:
    """Fork amid a `with`, a timed call and a timed generator, which parent and child both end."""

    @z.time_me(name="call")
    @z.count_me(name="calls")
    def call() -> int:
        return os.fork()

    @z.time_me(name="generator")
    def generate() -> Iterator[int]:
        yield os.fork()

    for _ in range(number):
        with z.time_me(name="block"):
            pid = os.fork()
        end(pid)
        end(call())
        (pid,) = generate()
        end(pid)


def end(pid: int) -> None:
    """End the child, wait for it in the parent."""
    if not pid:
        sys.exit()
    join(pid)


def abrupt(number: int) -> None:
    """Fork children that record, wait until this process gets SIGUSR1, record, and just leave."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    reading, writing = os.pipe()

    def work() -> None:
        os.close(writing)
        record("before", 100)
        os.read(reading, 1)
        record("after", 100)
        os._exit(0)

    pids = [fork(work) for _ in range(number)]
    print("forked", flush=True)
    signal.sigwait({signal.SIGUSR1})
    os.close(writing)
    join(*pids)


def before_exec(number: int) -> None:
    """Start programs after a function of this one, which is measured, in the child."""
    for _ in range(number):
        record("parent", 10)
        subprocess.run(["true"], check=True, preexec_fn=lambda: record("in_child", 1))


def of_thread(number: int) -> None:
    """Fork in a thread, while another one makes series and closes and opens clients.

    The children end with that thread, and with those of the client, of which one reads a gauge.
    """
    z.gauge("threads", threading.active_count)
    stop = threading.Event()
    recorded: list[int] = []

    def hammer() -> None:
        times = 0
        while not stop.is_set():
            with Zibrato() as other:
                other.count(f"series.{times % 500}")
                other.count("hammered")
            times += 1
        recorded.append(times)

    def forks() -> None:
        for _ in range(number // 4):
            join(*[fork(lambda: record("child", 50)) for _ in range(4)])

    hammering, forking = threading.Thread(target=hammer), threading.Thread(target=forks)
    hammering.start()
    forking.start()
    forking.join()
    stop.set()
    hammering.join()
    print(sum(recorded))


def of_foreign_thread(number: int) -> None:
    """Fork in a thread that `threading` doesn't know, with which the children end."""
    end = _thread.allocate_lock()
    end.acquire()

    def forks() -> None:
        try:
            join(*[fork(lambda: record("child", 50)) for _ in range(number)])
        finally:
            end.release()

    _thread.start_new_thread(forks, ())
    end.acquire()


def amid_a_reading(number: int) -> None:
    """Fork while a gauge is read that takes a lock, which each child takes as well."""
    inside, forking, lock = threading.Event(), threading.Event(), threading.Lock()
    os.register_at_fork(before=forking.set)

    def size() -> int:
        with lock:
            inside.set()
            forking.wait()
        return 1

    def work() -> None:
        if not lock.acquire(timeout=10):
            os._exit(1)
        lock.release()
        record("child", 10)

    z.gauge("size", size)
    for _ in range(number):
        forking.clear()
        inside.clear()
        inside.wait()
        join(fork(work))


def without_threads(number: int) -> None:
    """Fork children that can't start a thread, as where a container allows no more."""

    def fail(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    def work() -> None:
        _thread.start_new_thread = start
        record("child", 10)

    start = _thread.start_new_thread
    for _ in range(number):
        _thread.start_new_thread = fail
        pid = fork(work)
        _thread.start_new_thread = start
        join(pid)


KINDS = [
    busy,
    generations,
    amid,
    abrupt,
    before_exec,
    of_thread,
    of_foreign_thread,
    amid_a_reading,
    without_threads,
]

if __name__ == "__main__":
    kind, count = sys.argv[1:]
    {function.__name__: function for function in KINDS}[kind](int(count))
