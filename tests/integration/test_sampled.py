"""Gauges that are read, in real processes: a parent, and its child as it begins anew."""

from __future__ import annotations

import pytest

from tests.integration import clients
from tests.integration.sink import Sink

GEVENT = "from gevent import monkey; monkey.patch_all()"
PROGRAM = """
import os
from zibrato import Zibrato

class Pool:
    size = 0
    def read(self):
        return self.size

z, pool = Zibrato(linger=30), Pool()
z.gauge("pool", pool.read)
z.gauge("bad", lambda: 1 / 0)
z.gauge("reentrant", lambda: z.count("in.gauge") or z.flush(60) or 1)  # in the sender's own thread
inherited = z.in_progress("inherited")
with inherited:
    assert z.flush(20)
    pid = os.fork()
    if pid == 0:
        pool.size = 5
        with inherited, z.in_progress("own"):
            assert z.flush(20)
        z.close()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    z.close()
assert z.dropped["value"] > 0
"""


@pytest.mark.parametrize("prelude", ["", GEVENT], ids=["threads", "gevent"])
def test_a_child_reads_anew_and_nobody_is_inside_it(prelude: str, sink: Sink) -> None:
    clients.run(prelude + PROGRAM, sink)
    for name, sum_ in (("inherited", 1), ("own", 1), ("pool", 5), ("in.gauge", 1)):
        sink.until(lambda: sink.sums[name] >= sum_)  # noqa: B023 - called at once
    sink.until(lambda: sink.reasons["dropped", "value"])
    sink.until(lambda: sink.counts["reentrant"] >= 2)  # in both processes
    assert sink.sums["inherited"] == sink.counts["inherited"]


STUCK = """
import threading
from zibrato import Zibrato

z = Zibrato(linger=20)
z.gauge("stuck", lambda: threading.Event().wait())
z.gauge("later", lambda: 1)
z.count("before")
assert z.flush(20)
for number in range(10):
    z.count("meanwhile")
    assert z.flush(20)
assert z.errors == {"reading": 1}
"""


@pytest.mark.attack("a gauge's callable that never returns", before="nothing was sent any more")
def test_a_callable_that_never_returns_stops_only_the_others(sink: Sink) -> None:
    clients.run(STUCK, sink)
    sink.wait_for("before", 1)
    sink.wait_for("meanwhile", 10)
    sink.wait_for_reasons({("errors", "reading"): 1})
    assert sink.counts["stuck"] == 0
