"""Record from everywhere at once until told to stop: 8 threads, tasks of a loop, forked children.

At SIGUSR1 all pause; it prints "quiet" once all was sent, and goes on at the next SIGUSR1. At the
end it prints, as JSON, what was recorded of each counter and timer, and what its client dropped.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import threading
from collections import Counter

from zibrato import Zibrato

LEVELS = ("debug", "info", "warning", "error", "critical")
THREADS = 8
TASKS = 20
PER_CHILD = 500
BURST = int(os.environ.get("BURST", "400"))
"""Of so many measurements each thread makes fewer, then pauses."""
z = Zibrato(linger=30)
stop = threading.Event()
pause = threading.Event()
paused: set[object] = set()
"""Those who record, and don't now."""
recorded: Counter[str] = Counter()
lock = threading.Lock()


def record(chance: random.Random, by_this_thread: Counter[str]) -> None:
    """Make a measurement of one kind or another, at one level or another."""
    level = chance.choice(LEVELS)
    way = chance.randrange(4)
    if way == 0:
        z.count_me(name=f"calls.{level}", level=level)(abs)(-1)
        by_this_thread[f"calls.{level}"] += 1
    elif way == 1:
        z.count(name="sum", value=3, level=level)
        by_this_thread["sum"] += 1
    elif way == 2:
        with z.Time_me(name=f"block.{level}", level=level):
            by_this_thread[f"block.{level}"] += 1
    else:
        z.timing(name="fixed", value=0.25)
        by_this_thread["fixed"] += 1


def work(seed: int) -> None:
    """Record until the end, in bursts."""
    chance = random.Random(seed)
    by_this_thread: Counter[str] = Counter()
    while not stop.is_set():
        while pause.is_set():
            paused.add(seed)
            stop.wait(0.01)
        paused.discard(seed)
        for _ in range(chance.randrange(BURST)):
            record(chance, by_this_thread)
        stop.wait(0.04)
    with lock:
        recorded.update(by_this_thread)


async def task(number: int) -> None:
    """Time blocks that overlap with those of other tasks."""
    while not stop.is_set():
        await until_it_goes_on(f"task {number}")
        async with z.time_me(name="tasks"):
            await asyncio.sleep(0.005 * (1 + number % 7))
        recorded["tasks"] += 1


async def tasks() -> None:
    """Run twenty of them in the main thread, and a child after another beside them."""
    await asyncio.gather(children(), *(task(number) for number in range(TASKS)))


async def until_it_goes_on(who: str) -> None:
    """Return once nobody is to pause."""
    while pause.is_set():
        paused.add(who)
        await asyncio.sleep(0.01)
    paused.discard(who)


def pauses() -> None:
    """Say whenever all of them pause and everything was sent."""
    while not stop.is_set():
        if pause.wait(0.1):
            while len(paused) < THREADS + TASKS + 1:
                stop.wait(0.01)
            assert z.flush(60)
            print("quiet", flush=True)
            while pause.is_set():
                stop.wait(0.01)


async def children() -> None:
    """Fork a child, which records and ends as Python does, whenever the last one is done."""
    while not stop.is_set():
        await until_it_goes_on("children")
        pid = os.fork()
        if not pid:
            for _ in range(PER_CHILD):
                z.count(name="child")
                z.timing(name="child.timed", value=0.5)
            z.close()
            os._exit(0)
        recorded["child"] += PER_CHILD
        recorded["child.timed"] += PER_CHILD
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            await asyncio.sleep(0.02)


def main() -> None:
    """Run until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGUSR1, lambda *_: pause.clear() if pause.is_set() else pause.set())
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(THREADS)]
    threads.append(threading.Thread(target=pauses))
    for thread in threads:
        thread.start()
    print("started", flush=True)
    asyncio.run(tasks())
    for thread in threads:
        thread.join()
    z.close()
    print(json.dumps({"recorded": recorded, "dropped": z.dropped}), flush=True)


if __name__ == "__main__":
    main()
