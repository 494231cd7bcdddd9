"""The client in a system that has no room for it; each in a real process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.clients import LONG, run
from tests.integration.processes import Process
from tests.integration.sink import Sink


@pytest.mark.parametrize(
    ("endpoint", "error"),
    [("ipc:///nonexistent/socket", "ENOENT"), ("tcp://192.0.2.1:1", "ENODEV|EADDRNOTAVAIL")],
)
def test_an_endpoint_that_can_not_be_bound_costs_nothing(
    sink: Sink, endpoint: str, error: str
) -> None:
    program = f"""
from zibrato import Zibrato
z = Zibrato({endpoint!r}, bind=True, linger=30)  # which it needn't wait for: nothing is open
@z.time_me(name="t")
@z.count_me(name="c")
def work(): return "untouched"
for _ in range(1000):
    assert work() == "untouched"
assert not z.flush(30)
z.close()
assert z.dropped == {{"unsent": 2000}}, z.dropped
assert set(z.errors) <= set({error!r}.split("|")), z.errors
"""
    assert run(program, sink) == ""


MOUNTED = """
import os, subprocess, sys
import zmq
from zibrato import Zibrato
from zibrato.wire import decode_batch
directory, way = sys.argv[1:]
if way == "full":
    open(f"{directory}/file", "w")
z = Zibrato(f"ipc://{directory}/socket", bind=True, linger=30)
@z.count_me(name="c")
def work(): return "untouched"
for _ in range(1000): assert work() == "untouched"
assert not z.flush(30)
assert set(z.errors) == {"ENOSPC" if way == "full" else "EROFS"}, z.errors
if way == "full":
    os.unlink(f"{directory}/file")
else:
    subprocess.run(["mount", "-o", "remount,rw", directory], check=True)
pull = zmq.Context().socket(zmq.PULL)
pull.connect(f"ipc://{directory}/socket")
counted = 0
while counted < 1000:
    counted += sum([r.count for r in decode_batch(pull.recv()).counters if r.name == "c"])
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


@pytest.mark.attack("an application without descriptors", before="nothing that is known")
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
    sink.until(lambda: sink.reasons)
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
    sink.until(lambda: sink.reasons)
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
    sink.until(lambda: sink.reasons["dropped", "full"])
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
        assert z.flush(30) is (most >= 4), (most, z.errors)
        resource.setrlimit(resource.RLIMIT_NPROC, (hard, hard))
        sys.exit()
    assert os.waitpid(pid, 0)[1] == 0, most
"""
    sink = Sink("tcp://127.0.0.1:*")  # a path under tmp_path is closed to others
    assert run(program, sink) == ""
    sink.wait_for("starved", 7000)
    assert set(sink.reasons) <= {("errors", "thread"), ("errors", "EAGAIN")}
    sink.close()
