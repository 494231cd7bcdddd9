"""The client where it interrupts other code, or what it needs is going; each in a real process."""

from __future__ import annotations

import signal

import pytest

from tests.integration.clients import run
from tests.integration.processes import python
from tests.integration.sink import Sink

# Code that interrupts other code.


def test_in_finalizers_that_interrupt_the_client_itself(sink: Sink) -> None:
    """Garbage is collected wherever objects are made, so also while the client makes a series."""
    program = """
import gc
from zibrato import Zibrato
z = Zibrato(linger=30)
gc.set_threshold(5)
class Node:
    def __init__(self, number):
        self.number, self.me = number, self
    def __del__(self):
        z.count(name="deleted")
        z.count(name=f"series.{self.number % 500}")
        with z.Time_me(name="in_del"):
            pass
        if self.number % 1000 == 0:
            assert z.flush(10)
            with Zibrato() as other:
                other.count(name="others")
for number in range(20_000):
    Node(number)
    z.gauge(name=f"gauge.{number % 700}", value=number)
    if number % 1000 == 0:
        z.flush(0)
gc.collect()
"""
    assert run(program, sink) == ""
    for name in ("deleted", "in_del"):
        sink.wait_for(name, 20_000)
    sink.wait_for("others", 20)
    assert sum(sink.counts[f"series.{number}"] for number in range(500)) == 20_000
    assert sum(sink.counts[f"gauge.{number}"] for number in range(700)) == 20_000
    assert not sink.reasons


def test_in_signal_handlers_that_interrupt_everything(sink: Sink) -> None:
    """A handler makes series and flushes amid another flush, as often as the system can do."""
    program = """
import signal
from zibrato import Zibrato
z = Zibrato(linger=30)
handled = others = 0
def handler(number, frame):
    global handled, others
    handled += 1
    z.count(name="signals")
    z.count(name=f"new.{handled % 300}")
    with z.Time_me(name="handling"):
        pass
    if handled % 50 == 0:
        assert z.flush(30)
    if handled % 70 == 0:
        others += 1
        with Zibrato() as other:
            other.count(name="others")
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0005)
number = 0
while handled < 1000 or number < 50_000:
    z.count(name="main")
    z.gauge(name=f"gauge.{number % 200}", value=1)
    if number % 5000 == 0:
        assert z.flush(30)
    if number % 7000 == 0:
        with Zibrato() as other:
            other.count(name="others of main")
    number += 1
signal.setitimer(signal.ITIMER_REAL, 0)
z.close()
print(number, handled, others)
"""
    number, handled, others = map(int, run(program, sink).split())
    sink.wait_for("main", number)
    sink.wait_for("signals", handled)
    sink.wait_for("handling", handled)
    sink.wait_for("others", others)
    assert sum(sink.counts[f"gauge.{index}"] for index in range(200)) == number
    assert sum(sink.counts[f"new.{index}"] for index in range(300)) == handled
    assert not sink.reasons


def test_a_signal_that_the_host_waits_for_does_not_go_to_the_sender(sink: Sink) -> None:
    """In a thread that doesn't block it, it would end the process."""
    program = """
import signal
from zibrato import Zibrato
z = Zibrato(linger=30)
z.count(name="before")
z.flush(30)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print("ready", flush=True)
print(signal.sigwait({signal.SIGUSR1}) == signal.SIGUSR1)
"""
    with python(program, environment={"ZIBRATO_SOCKET": sink.endpoint}) as process:
        process.wait_for("ready")
        process.send(signal.SIGUSR1)
        assert process.wait() == 0
        assert process.output.split() == ["ready", "True"]


def test_in_trace_and_profile_hooks(sink: Sink) -> None:
    """Hooks of all threads, too, of which the sender is none."""
    program = """
import sys, threading
from zibrato import Zibrato
calls = 0
def hook(frame, event, argument):
    global calls
    if event == "call" and frame.f_code.co_name == "traced":
        calls += 1
        z.count(name="hooked")
        z.count(name=f"hooked.{calls % 100}")
        z.gauge(name="events", value=1)
    return hook
threading.setprofile(hook)
z = Zibrato(linger=30)
@z.time_me(name="timed")
def traced(): return 1
for install in (sys.setprofile, sys.settrace):
    install(hook)
    for _ in range(1000):
        assert traced() == 1
    z.flush(30)
    install(None)
print(calls)
"""
    calls = int(run(program, sink))
    assert calls >= 2000
    sink.wait_for("hooked", calls)
    sink.wait_for("events", calls)
    sink.wait_for("timed", 2000)


# The end of the interpreter.


def test_exit_handlers_are_counted_but_those_registered_before_the_import(sink: Sink) -> None:
    program = """
import atexit
@atexit.register
def last():
    z.count(name="last"); z.flush(); z.close()
    with z.Time_me(name="last"): pass
    with Zibrato() as other: other.count(name="last")
from zibrato import Zibrato
z = Zibrato(linger=30)
@atexit.register
def first():
    for _ in range(1000): z.count(name="first")
"""
    assert run(program, sink, "-X", "dev") == ""
    sink.wait_for("first", 1000)


@pytest.mark.parametrize("keeper", ["__main__", "builtins", "sys", "zibrato.client.sender"])
def test_what_modules_hold_is_finalized_without_a_word(sink: Sink, keeper: str) -> None:
    """Modules are taken down one after another: some are gone already when this is finalized."""
    program = f"""
import importlib
from zibrato import Zibrato
z = Zibrato(linger=30)
@z.count_me(name="calls")
@z.time_me(name="calls.timed")
def work(): pass
class Left:
    def __init__(self):
        self.cycle = self
        self.client, self.work = z, work
        self.counter, self.timer = z.count_me(name="c").count, z.time_me(name="t")
        self.gauge = z.bind_gauge("g")
    def __del__(self):
        self.work()
        self.counter()
        self.gauge(1)
        with self.timer: pass
        self.client.flush()
        self.client.close()
importlib.import_module({keeper!r}).left = Left()
for _ in range(1000): work()
"""
    assert run(program, sink, "-X", "dev", PYTHONWARNINGS="error") == ""
    sink.wait_for("calls", 1000)
    sink.wait_for("calls.timed", 1000)


def test_a_finalizer_does_not_wait_for_a_thread_that_was_stopped_as_it_made_a_client(
    sink: Sink,
) -> None:
    """The interpreter stops daemon threads anywhere, and what they hold then is held for ever."""
    program = """
import builtins, threading, time
import zmq
from zibrato import Zibrato
z = Zibrato(linger=30)
z.count(name="calls")
inside = threading.Event()
class Slow(zmq.Context):
    def __eq__(self, other):
        inside.set()
        time.sleep(600)
class Left:
    def __init__(self):
        self.cycle, self.client = self, z
    def __del__(self):
        self.client.close()
        Zibrato().close()
builtins.left = Left()
threading.Thread(target=Zibrato, kwargs={"context": Slow()}, daemon=True).start()
assert inside.wait(30)
"""
    assert run(program, sink) == ""
    sink.wait_for("calls", 1)
