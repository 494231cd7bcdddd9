"""The client's account over a real ZeroMQ: what was made has arrived, or is counted as dropped.

Of one batch a client can't know: that which ZeroMQ still had as it was closed. It is counted, and
may arrive all the same.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.processes import eventually, python
from tests.integration.sink import Sink
from tests.soak import examples
from zibrato import Zibrato
from zibrato.client.connection import Connection
from zibrato.client.connector import Connector, Opened, PushSocket
from zibrato.client.send_queue import measurements
from zibrato.endpoint import Endpoint
from zibrato.model import COUNTER, Series

NAMES = ("counted", "timed")
_numbers = itertools.count()


class Account:
    """A client with little room, a daemon that comes and goes, and what was made of it all."""

    def __init__(self, directory: str) -> None:
        self.sink = Sink(f"ipc://{directory}/{next(_numbers)}")
        self.is_up = True
        self.made = 0
        self.twice = {0}
        """How many may be known twice: sums of what ZeroMQ had as clients were closed."""
        self.z = self.client()

    def client(self) -> Zibrato:
        return Zibrato(self.sink.endpoint, linger=0.05, max_pending=300)

    @property
    def known(self) -> int:
        return sum(self.sink.counts[name] for name in NAMES) + self.z.dropped.total()

    def record(self, number: int) -> None:
        for _ in range(number):
            self.z.count("counted")
            self.z.timing("timed", 0.5)
        self.made += 2 * number

    def flush(self, _: int = 0) -> None:
        assert self.z.flush(30 if self.is_up else 0) is self.is_up or not self.is_up

    def hurry(self, _: int = 0) -> None:
        """Send what goes without waiting: what doesn't is spread over queue and socket."""
        self.z.flush(0)

    def down(self, _: int = 0) -> None:
        if self.is_up:
            self.flush()
            self.check()
            self.sink.close(quiet=0)
            self.is_up = False

    def up(self, _: int = 0) -> None:
        if not self.is_up:
            self.sink.open()
            self.is_up = True

    def close(self, _: int = 0) -> None:
        self.z.close()
        if self.is_up:
            self.check()
        self.z = self.client()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what ZeroMQ has as a client is closed."""
        detach = Connection.detach

        def noting(connection: Connection) -> Opened | None:
            if connection._held is not None:
                held = measurements(connection._held)
                self.twice |= {number + held for number in self.twice}
            return detach(connection)

        with mock.patch.object(Connection, "detach", noting):
            yield

    def is_exact(self) -> bool:
        self.sink.take(1)
        return self.known - self.made in self.twice

    def check(self) -> None:
        """Wait until all is known that was made, and nothing twice but what may be."""
        with suppress(AssertionError):
            eventually(self.is_exact)
        assert self.is_exact(), (self.made, self.sink.counts, self.z.dropped, self.twice)

    def end(self) -> None:
        """Close as things are, and see whether anything comes that was counted as dropped."""
        self.z.close()
        self.up()
        self.check()
        self.sink.take(50)
        self.check()
        self.sink.close(quiet=0)


OPERATIONS = st.tuples(
    st.sampled_from([Account.record] * 4 + [Account.flush, Account.hurry, Account.hurry])
    | st.sampled_from([Account.down, Account.down, Account.up, Account.close]),
    st.integers(1, 200),
)


@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(OPERATIONS, min_size=3, max_size=15))
def test_what_was_made_arrived_or_is_counted_as_dropped(
    operations: list[tuple[object, int]],
) -> None:
    with tempfile.TemporaryDirectory(prefix="zibrato-") as directory:
        account = Account(directory)
        with account.watching():
            for operation, number in operations:
                operation(account, number)  # type: ignore[operator]  # a method, as drawn above
            account.end()


class LateSocket:
    """A PUSH socket for which a daemon comes just as it is closed; it is at rest by then."""

    def __init__(self, push: PushSocket, sink: Sink) -> None:
        self._push = push
        self._sink = sink

    def send(self, frame: bytes, flags: int) -> None:
        self._push.send(frame, flags)

    def poll(self, timeout: int, flags: int) -> int:
        return self._push.poll(timeout, flags)

    def revive(self) -> bool:
        return self._push.revive()

    def close(self, linger: int) -> None:
        """Let ZeroMQ's thread be faster than the command to end."""
        self._sink.open()
        self._sink.wait_for("c", 1)
        self._push.close(linger)


def test_what_zeromq_had_as_a_client_was_closed_may_arrive_although_it_is_counted(
    sink: Sink,
) -> None:
    """A ZeroMQ socket that is closed doesn't say what its thread sent before it came to that."""
    sink.close()
    connection = Connection(Connector(Endpoint(sink.endpoint, connect=True)))
    connection.buffers.counter_buffer(Series(COUNTER, "c", ""), 1).increment()
    connection.step(0.0)
    assert connection._opened is not None
    context, push = connection._opened
    connection._opened = context, LateSocket(push, sink)
    connection.close(0.0)
    context.term()
    assert connection.dropped == {"unsent": 1}
    assert sink.counts["c"] == 1


@contextmanager
def wrong_socket() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="zibrato-") as directory:
        yield f"ipc://{directory}/nobody"


@pytest.mark.parametrize("rounds", [1, 20])
@pytest.mark.attack(
    "a client with a wrong socket", before="up to eight batches were lost without a count"
)
def test_a_client_with_a_wrong_socket_says_what_it_lost(rounds: int) -> None:
    with wrong_socket() as endpoint:
        z = Zibrato(endpoint, linger=0.05)
        for _ in range(rounds):
            z.count("c")
            z.timing("t", 1)
            assert not z.flush(0.01)
        assert not z.dropped
        z.close()
        # On a busy machine the sender may come to it later than `close` waits for it.
        eventually(lambda: z.dropped.total() >= 2 * rounds)
        assert z.dropped == {"unsent": 2 * rounds}


def test_many_batches_of_an_absence_go_as_soon_as_a_daemon_is_there(sink: Sink) -> None:
    """One at a time goes to ZeroMQ, which must not cost a look of the sender's each: a second."""
    sink.close()
    with Zibrato(sink.endpoint, linger=60) as z:
        for _ in range(300):
            z.count("c")
            z.timing("t", 1)
            z.flush(0)
        sink.open()
        sink.wait_for("t", 300)
    sink.wait_for("c", 300)


WARNED = """
import logging, threading
from zibrato import Zibrato
from zibrato.client import absence
absence.PATIENCE = 0.5
inside, leave = threading.Event(), threading.Event()
class Stuck(logging.Handler):
    def emit(self, record):
        assert z.flush(0) is False  # handlers may use the client
        print(record.name, record.levelname, record.getMessage(), flush=True)
        inside.set()
        leave.wait()
logging.getLogger().addHandler(Stuck())
z = Zibrato(linger=30)
z.count("c")
assert inside.wait(30)
print("stuck", flush=True)
assert z.flush(60)
z.close()
print("sent", flush=True)
leave.set()
"""


def test_that_nobody_takes_anything_is_logged_and_a_stuck_handler_stops_nothing() -> None:
    """The handler holds its lock for ever, and the sender goes on."""
    with wrong_socket() as endpoint:
        with python(WARNED, environment={"ZIBRATO_SOCKET": endpoint}) as process:
            process.wait_for("^stuck")
            sink = Sink(endpoint)
            process.wait_for("^sent")
            assert process.wait() == 0, process.output
        sink.wait_for("c", 1)
        sink.close()
        (line, *_) = process.output.splitlines()
        assert line.startswith(
            "zibrato WARNING no daemon accepts zibrato's measurements: is there a"
        )
        assert process.output.count("no daemon accepts") == 1
        assert os.path.basename(endpoint) in line
