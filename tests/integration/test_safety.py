"""The client in the places where code must not block, raise, or print; each in a real process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests import soak
from tests.integration.processes import Process, python
from tests.integration.sink import Sink
from zibrato import Zibrato

LONG = 120.0
ROUNDS = soak.rounds(1000)


def run(program: str, sink: Sink, *options: str, **environment: str) -> str:
    """Run a program to its end, which must be a good one, and return what it printed."""
    arguments = [sys.executable, *options, "-c", program]
    with Process(arguments, {"ZIBRATO_SOCKET": sink.endpoint, **environment}) as process:
        assert process.wait(LONG) == 0, process.output
    return process.output


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


# Mistakes of the host, made while it runs.


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
    assert sink.reasons == {("dropped", "value"): values, ("dropped", "argument"): arguments}


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
with Zibrato() as again:
    for _ in range(100): assert work() == "untouched"
"""
    assert run(program, sink) == ""
    sink.wait_for("c", 200)
    sink.wait_for("t", 200)
    assert sink.reasons == {("dropped", "closed"): 201}


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


# A system that has no room.


@pytest.mark.parametrize(
    ("endpoint", "error"),
    [("ipc:///nonexistent/socket", "ENOENT"), ("tcp://192.0.2.1:1", "ENODEV|EADDRNOTAVAIL")],
)
def test_an_endpoint_that_can_not_be_bound_costs_nothing(
    sink: Sink, endpoint: str, error: str
) -> None:
    program = f"""
from zibrato import Zibrato
z = Zibrato({endpoint!r}, bind=True, linger=0.2)
@z.time_me(name="t")
@z.count_me(name="c")
def work(): return "untouched"
for _ in range(1000):
    assert work() == "untouched"
assert not z.flush(0.2)
z.close()
assert z.dropped == {{"unsent": 2000}}, z.dropped
assert set(z.errors) <= set({error!r}.split("|")), z.errors
"""
    assert run(program, sink) == ""


MOUNTED = """
import os, subprocess, sys
import zmq
from zibrato import Zibrato
from zibrato.wire import decode
directory, way = sys.argv[1:]
if way == "full":
    open(f"{directory}/file", "w")
z = Zibrato(f"ipc://{directory}/socket", bind=True, linger=30)
@z.count_me(name="c")
def work(): return "untouched"
for _ in range(1000): assert work() == "untouched"
assert not z.flush(0.2)
assert set(z.errors) == {"ENOSPC" if way == "full" else "EROFS"}, z.errors
if way == "full":
    os.unlink(f"{directory}/file")
else:
    subprocess.run(["mount", "-o", "remount,rw", directory], check=True)
pull = zmq.Context().socket(zmq.PULL)
pull.connect(f"ipc://{directory}/socket")
counted = 0
while counted < 1000:
    counted += sum([r.count for r in decode(pull.recv(), 0).batches[0].counters if r.name == "c"])
assert counted == 1000
assert not z.dropped
"""


@pytest.mark.parametrize(("way", "options"), [("full", "nr_inodes=2"), ("readonly", "ro")])
def test_a_file_system_without_room_for_a_socket_costs_time(
    tmp_path: Path, way: str, options: str
) -> None:
    """An ipc socket that is bound is a file; the file system is mounted for the program alone."""
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if not shutil.which("unshare") or subprocess.run([*namespace, "true"], check=False).returncode:
        pytest.skip("this system lets nobody mount a file system of their own")
    script = f'mount -t tmpfs -o {options} none "$0" && exec "$@" "$0" {way}'
    command = [*namespace, "sh", "-c", script, str(tmp_path), sys.executable, "-c", MOUNTED]
    with Process(command) as process:
        assert process.wait(LONG) == 0
        assert process.output == ""


def test_without_descriptors_the_host_lives_and_delivers_later(sink: Sink) -> None:
    """libzmq aborts the process where it gets no descriptor, so it must not be asked to."""
    program = """
import os, resource, sys
from zibrato import Zibrato
z = Zibrato(linger=30)
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
for room in range(24):
    pid = os.fork()
    if not pid:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        files = []
        try:
            while True: files.append(os.open("/dev/null", os.O_RDONLY))
        except OSError: pass
        for file in files[:room]: os.close(file)
        for _ in range(1000): z.count(name="starved")
        assert z.flush(30) is (room >= 16), (room, z.errors)
        assert (z.errors["EMFILE"] > 0) is (room < 16), (room, z.errors)
        for file in files[room:]: os.close(file)
        sys.exit()
    assert os.waitpid(pid, 0)[1] == 0
"""
    assert run(program, sink) == ""
    sink.wait_for("starved", 24_000)
    assert set(sink.reasons) == {("errors", "EMFILE")}


def test_without_threads_the_host_lives_and_delivers_later(sink: Sink) -> None:
    program = """
import _thread, gc
from zibrato import Zibrato
start = _thread.start_new_thread
def fails(*arguments): raise RuntimeError("can't start new thread")
_thread.start_new_thread = fails
z = Zibrato(linger=30, max_pending=1000)
for _ in range(1000):
    z.count(name="c")
    z.timing(name="t", value=1)
assert z.flush(0.1) is False
for _ in range(3000):
    z.timing(name="t", value=1)
_thread.start_new_thread = start
"""
    assert run(program, sink) == ""
    sink.wait_for("c", 1000)
    sink.wait_for("t", 4000)
    assert set(sink.reasons) == {("errors", "thread")}


def test_without_threads_what_waits_is_bounded_and_the_collector_tries_again(sink: Sink) -> None:
    program = """
import _thread, gc, time
from zibrato import Zibrato
from zibrato.client.sender import sender
start = _thread.start_new_thread
def fails(*arguments): raise RuntimeError("can't start new thread")
_thread.start_new_thread = fails
z = Zibrato(linger=30, max_pending=1000)
z.count(name="c")
for _ in range(3000): z.timing(name="t", value=1)
while not z.dropped: gc.collect()
_thread.start_new_thread = start
while sender._thread is None: gc.collect()
assert not ["zibrato" for callback in gc.callbacks if "zibrato" in str(callback)]
"""
    assert run(program, sink) == ""
    sink.wait_for("c", 1)
    assert sink.counts["t"] == 0
    assert sink.reasons["dropped", "full"] == 3000


def test_without_threads_for_zeromq_the_host_lives_and_delivers_later(tmp_path: Path) -> None:
    """The system itself has none to give: libzmq aborts the process where it gets no thread."""
    if os.geteuid():
        pytest.skip("only root can become a user who has no other threads")
    program = """
import os, resource, sys
import zmq.sugar.context
from zibrato import Zibrato
for most in range(1, 8):
    pid = os.fork()
    if not pid:
        os.setuid(54321)
        hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        resource.setrlimit(resource.RLIMIT_NPROC, (most, hard))
        z = Zibrato(linger=30)
        for _ in range(1000): z.count(name="starved")
        assert z.flush(0.5) is (most >= 4), (most, z.errors)
        resource.setrlimit(resource.RLIMIT_NPROC, (hard, hard))
        sys.exit()
    assert os.waitpid(pid, 0)[1] == 0, most
"""
    sink = Sink("tcp://127.0.0.1:*")  # a path under tmp_path is closed to others
    assert run(program, sink) == ""
    sink.wait_for("starved", 7000)
    assert set(sink.reasons) <= {("errors", "thread"), ("errors", "EAGAIN")}
    sink.close()


# The daemon's absence, and other worlds.


@pytest.mark.soak
def test_a_daemon_that_goes_and_comes_loses_nothing(sink: Sink) -> None:
    with Zibrato(sink.endpoint, linger=30) as z:
        for number in range(1, ROUNDS + 1):
            z.count(name="there")
            z.timing(name="timed", value=0.5)
            z.flush()
            sink.wait_for("there", number)
            sink.close(quiet=0)
            z.count(name="away")
            z.timing(name="timed", value=0.5)
            z.flush(0)
            sink.open()
        z.flush()
        sink.wait_for("away", ROUNDS)
        sink.wait_for("timed", 2 * ROUNDS)
        assert z.dropped == {}
    assert not sink.reasons


def test_daemons_that_are_away_do_not_take_the_time_of_others(sink: Sink) -> None:
    """At exit all are sent to at once; and a client that is opened as it closes stays open."""
    program = f"""
from zibrato import Zibrato
away = [Zibrato(f"{sink.endpoint}-{{number}}", linger=0.3, max_pending=1) for number in range(5)]
for _ in range(20):  # more batches than ZeroMQ takes where nobody is
    for z in away:
        z.count(name="c")
        z.flush(0)
there = Zibrato(linger=30)
for _ in range(500_000): there.timing(name="t", value=1)
"""
    assert run(program, sink) == ""
    sink.wait_for("t", 500_000)


def test_clients_that_come_and_go_in_many_threads_lose_nothing(sink: Sink) -> None:
    """Each closes as others open, so that their common connection is closed and reopened."""
    program = """
import threading
from zibrato import Zibrato
def run():
    for _ in range(200):
        with Zibrato(linger=30) as z:
            z.count(name="c")
            z.timing(name="t", value=1)
            assert z.flush(30)
threads = [threading.Thread(target=run) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    assert run(program, sink) == ""
    sink.wait_for("c", 800)
    sink.wait_for("t", 800)
    assert not sink.reasons


def test_what_a_long_absence_costs_is_reported_and_no_counter_is_lost(sink: Sink) -> None:
    recorded = 0
    with Zibrato(sink.endpoint, linger=30, max_pending=1000) as z:
        sink.close()
        while not z.dropped:
            for _ in range(1000):
                z.count(name="counted")
                z.timing(name="timed", value=0.5)
            recorded += 1000
            z.flush(0.01)
        sink.open()
        z.flush()
        sink.wait_for("counted", recorded)
        sink.take(200)
        assert set(z.dropped) == {"full"}
        sink.wait_for("timed", recorded - z.dropped["full"])
        assert sink.reasons == {("dropped", "full"): z.dropped["full"]}


GREENLETS = """
{before}
import gevent
from gevent import monkey
{imports}
z = Zibrato(linger=30)
@z.time_me(name="t")
@z.count_me(name="c")
def work(): gevent.sleep(0.0005)
def greenlet():
    for _ in range(100): work()
    assert z.flush(30)
gevent.joinall([gevent.spawn(greenlet) for _ in range(20)], raise_error=True)
"""
FIRST = "from gevent import monkey; monkey.patch_all()"
IMPORT = "from zibrato import Zibrato"


@pytest.mark.parametrize(
    ("before", "imports"),
    [(FIRST, IMPORT), ("", f"{IMPORT}; monkey.patch_all()"), ("", IMPORT)],
    ids=["patched", "patched-late", "not-patched"],
)
def test_gevent(sink: Sink, before: str, imports: str) -> None:
    """The sender is a greenlet where threads are; patched late or not at all it is a thread."""
    assert run(GREENLETS.format(before=before, imports=imports), sink) == ""
    sink.wait_for("c", 2000)
    sink.wait_for("t", 2000)


def test_gevent_forks(sink: Sink) -> None:
    program = """
from gevent import monkey; monkey.patch_all()
import os, sys
import gevent
from zibrato import Zibrato
z = Zibrato(linger=30)
def work():
    for _ in range(100):
        z.count(name="c")
        gevent.sleep(0)
def end(pid):
    if not pid: sys.exit()
    os.waitpid(pid, 0)
work()
for _ in range(4):
    pid = os.fork()
    gevent.joinall([gevent.spawn(work) for _ in range(5)])
    end(pid)
"""
    assert run(program, sink) == ""
    sink.wait_for("c", 100 + 2 * 4 * 500)
