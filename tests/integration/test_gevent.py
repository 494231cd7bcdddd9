"""The client among gevent's greenlets; each in a real process."""

from __future__ import annotations

import pytest

from tests.integration.clients import run
from tests.integration.sink import Sink

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
