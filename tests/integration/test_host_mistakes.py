"""Mistakes of the host, made while the client runs; each in a real process."""

from __future__ import annotations

import pytest

from tests.integration.clients import run
from tests.integration.sink import Sink


@pytest.mark.attack(
    "values that can't be recorded, in an application", before="the application's call raised"
)
def test_what_can_not_be_recorded_is_counted_and_nothing_else_is_lost(sink: Sink) -> None:
    program = """
from zibrato import Zibrato
z = Zibrato(linger=30)
class Hostile:
    def __float__(self): raise KeyboardInterrupt
    __index__ = __eq__ = __hash__ = __str__ = __repr__ = __float__
@z.time_me(name="t")
@z.count_me(name="c")
def work(result): return result
def values():
    yield from ("3", None, [], {}, object(), 1j, "x" * 10**6)
for value in values():
    assert work(value) is value
    z.gauge(name="g", value=value)
    z.timing(name="t2", value=value)
    z.count(name="c2", value=value)
for name in ("", "x" * 256, None, 5, b"bytes", "\\ud800"):
    z.count(name=name)
    z.gauge(name=name, value=1)
    with z.Time_me(name=name): pass
    with z.Count_me(name=name): pass
z.count(name="c3", source=5)
z.count(name="c3", level="no level at all, is it?")
z.count(name="c3", mtype="meter")
z.count(name="c3", colour="blue")
z.count(name="c3", tags={"long": "v" * 10**6})
z.count(name="good")
z.gauge(name="good.gauge", value=float("nan"))
z.gauge(name="good.gauge", value=2**70)
assert z.flush(30)
print(z.dropped["value"], z.dropped["argument"])
"""
    values, arguments = map(int, run(program, sink).split())
    assert (values, arguments) == (21, 29)
    sink.wait_for("good", 1)
    sink.wait_for("c", 7)
    sink.wait_for("t", 7)
    sink.wait_for("good.gauge", 2)
    sink.wait_for_reasons({("dropped", "value"): values, ("dropped", "argument"): arguments})


def test_a_closed_client_counts_what_it_still_gets(sink: Sink) -> None:
    program = """
from zibrato import Zibrato
z = Zibrato(linger=30)
@z.time_me(name="t")
@z.count_me(name="c")
def work(): return "untouched"
for _ in range(100): assert work() == "untouched"
z.close()
for _ in range(100): assert work() == "untouched"
z.gauge(name="new", value=1)
z.close()
with z: pass
z.flush(30)
assert z.dropped == {"closed": 201}
with Zibrato(linger=30) as again:
    for _ in range(100): assert work() == "untouched"
"""
    assert run(program, sink) == ""
    sink.wait_for("c", 200)
    sink.wait_for("t", 200)
    sink.wait_for_reasons({("dropped", "closed"): 201})


def test_a_context_that_its_host_ends_while_others_record(sink: Sink) -> None:
    program = """
import threading
import zmq
from zibrato import Zibrato
stop = threading.Event()
context = zmq.Context()
z = Zibrato(context=context, linger=0.2)
@z.count_me(name="c")
def work(): return "untouched"
def run():
    while not stop.is_set():
        assert work() == "untouched"
threads = [threading.Thread(target=run) for _ in range(4)]
for thread in threads: thread.start()
assert z.flush(30)
context.destroy(linger=0)
z.flush(0.5)
stop.set()
for thread in threads: thread.join()
z.close()
assert z.errors and set(z.errors) <= {"ENOTSOCK", "ETERM", "ENOTSUP", "EFAULT"}, z.errors
assert z.dropped["unsent"] > 0
"""
    assert run(program, sink) == ""
