"""Daemons that are away, and clients that come and go."""

from __future__ import annotations

import pytest

from tests import soak
from tests.integration.clients import run
from tests.integration.sink import Sink
from zibrato import Zibrato

ROUNDS = soak.rounds(1000)


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
        assert set(z.dropped) == {"full"}
        sink.wait_for("timed", recorded - z.dropped["full"])
        sink.wait_for_reasons({("dropped", "full"): z.dropped["full"]})
