"""The client in the places where code must not block, raise, or print; each in a real process."""

from __future__ import annotations

import pytest

from tests.integration.processes import python
from tests.integration.sink import Sink
from zibrato import Zibrato

ROUNDS = 1000


def run(program: str, sink: Sink) -> str:
    """Run a program to its end, which must be a good one, and return what it printed."""
    with python(program, environment={"ZIBRATO_SOCKET": sink.endpoint}) as process:
        assert process.wait(120) == 0, process.output
    return process.output


def test_in_finalizers_that_interrupt_the_client_itself(sink: Sink) -> None:
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
for number in range(20_000):
    Node(number)
    z.gauge(name=f"gauge.{number % 700}", value=number)
    if number % 1000 == 0:
        z.flush(0)
gc.collect()
"""
    assert run(program, sink) == ""
    sink.wait_for("deleted", 20_000)
    sink.wait_for("in_del", 20_000)


def test_in_signal_handlers_that_interrupt_everything(sink: Sink) -> None:
    program = """
import signal
from zibrato import Zibrato
z = Zibrato(linger=30)
handled = 0
def handler(number, frame):
    global handled
    handled += 1
    z.count(name="signals")
    z.count(name=f"new.{handled % 300}")
    if handled % 50 == 0:
        z.flush(0)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0005)
for number in range(100_000):
    z.count(name="main")
    z.gauge(name=f"gauge.{number % 200}", value=1)
    if number % 5000 == 0:
        z.flush(1)
signal.setitimer(signal.ITIMER_REAL, 0)
z.close()
print(handled)
"""
    handled = int(run(program, sink))
    assert handled > 0
    sink.wait_for("main", 100_000)
    sink.wait_for("signals", handled)


def test_in_trace_and_profile_hooks(sink: Sink) -> None:
    program = """
import sys, threading
from zibrato import Zibrato
z = Zibrato(linger=30)
calls = 0
def hook(frame, event, argument):
    global calls
    if event == "call" and frame.f_code.co_name == "traced":
        calls += 1
        z.count(name="hooked")
    return hook
@z.time_me(name="timed")
def traced(): return 1
for install in (sys.setprofile, sys.settrace):
    install(hook)
    for _ in range(1000):
        assert traced() == 1
    install(None)
print(calls)
"""
    calls = int(run(program, sink))
    assert calls >= 2000
    sink.wait_for("hooked", calls)
    sink.wait_for("timed", 2000)


def test_as_the_interpreter_goes_down(sink: Sink) -> None:
    program = """
import atexit
def late():
    z.count(name="late"); z.flush(); z.close()
    with z.Time_me(name="late"): pass
atexit.register(late)                     # before the client's own, so it runs after that
from zibrato import Zibrato
z = Zibrato(linger=30)
class Left:
    def __del__(self):
        z.count(name="torn down")
        work()
@z.count_me(name="calls")
@z.time_me(name="calls.timed")
def work(): pass
kept = Left()
for _ in range(1000): work()
"""
    assert run(program, sink) == ""
    sink.wait_for("calls", 1000)
    sink.wait_for("calls.timed", 1000)


@pytest.mark.parametrize("endpoint", ["ipc:///nonexistent/directory/socket", "tcp://192.0.2.1:1"])
def test_an_endpoint_that_can_not_be_bound_costs_nothing(sink: Sink, endpoint: str) -> None:
    program = f"""
from zibrato import Zibrato
z = Zibrato({endpoint!r}, bind=True, linger=0.2)
@z.time_me(name="t")
@z.count_me(name="c")
def work(): return "untouched"
for _ in range(1000):
    assert work() == "untouched"
z.flush(0.2)
z.close()
assert z.dropped["unsent"] >= 2000, z.dropped
"""
    assert run(program, sink) == ""


def test_without_descriptors_the_host_lives_and_delivers_later(sink: Sink) -> None:
    program = """
import os, resource
from zibrato import Zibrato
z = Zibrato(linger=30)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
files = []
try:
    while True: files.append(os.open("/dev/null", os.O_RDONLY))
except OSError: pass
@z.count_me(name="starved")
def work(): return 1
for _ in range(1000): assert work() == 1
assert z.flush(0.5) is False
for each in files: os.close(each)
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
"""
    assert run(program, sink) == ""
    sink.wait_for("starved", 1000)
    assert sink.reasons["errors", "EMFILE"] >= 1


def test_without_threads_the_host_lives_and_delivers_later(sink: Sink) -> None:
    program = """
import _thread
start = _thread.start_new_thread
def fails(*arguments): raise RuntimeError("can't start new thread")
_thread.start_new_thread = fails
from zibrato import Zibrato
z = Zibrato(linger=30)
for _ in range(1000): z.count(name="c")
assert z.flush(0.1) is False
_thread.start_new_thread = start
"""
    assert run(program, sink) == ""
    sink.wait_for("c", 1000)


def test_a_daemon_that_goes_and_comes_a_thousand_times_loses_nothing(sink: Sink) -> None:
    with Zibrato(sink.endpoint, linger=30) as z:
        for number in range(1, ROUNDS + 1):
            z.count(name="there")
            z.flush()
            sink.wait_for("there", number)
            sink.close(quiet=25)  # the client connects anew within 20 ms, even to a closing socket
            z.count(name="away")
            z.timing(name="timed", value=0.5)
            z.flush(0)
            sink.open()
        z.flush()
        sink.wait_for("away", ROUNDS)
        sink.wait_for("timed", ROUNDS)
        assert z.dropped == {}


def test_gevent_patched_programs_deliver(sink: Sink) -> None:
    program = """
from gevent import monkey; monkey.patch_all()
import gevent
from zibrato import Zibrato
z = Zibrato(linger=30)
@z.time_me(name="t")
@z.count_me(name="c")
def work(): gevent.sleep(0.0005)
def greenlet():
    for _ in range(100): work()
gevent.joinall([gevent.spawn(greenlet) for _ in range(20)])
z.close()
"""
    assert run(program, sink) == ""
    sink.wait_for("c", 2000)
    sink.wait_for("t", 2000)
