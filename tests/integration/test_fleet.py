"""Hosts that ship to one hub, some of which are killed: as if all was measured in one place."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from math import ceil
from pathlib import Path

import pytest

from tests import soak
from tests.integration.fleet import Hub, Machine
from tests.integration.shipping import hold_for
from tests.integration.tally import Tally
from zibrato import Zibrato

SAMPLES = 1000 if soak.SHARE < 0.1 else soak.rounds(200_000)
"""Of each host and phase: in two of them together more than a distribution keeps as they are."""
KILLS = soak.rounds(100)
COUNTS = 100
PERCENTS = (50, 90, 99, 99.9)


class Fleet:
    """Three hosts with a client each, and what was recorded there."""

    def __init__(self, stack: ExitStack, path: Path) -> None:
        self.stack = stack
        self.hub = Hub(path)
        self.hosts = [
            Machine(path, name, "--backend", f"zibrato:socket={self.hub.endpoint}")
            for name in ("web1", "web2", "db1")
        ]
        for machine in (self.hub, *self.hosts):
            stack.enter_context(machine.start())
        self.clients = [
            stack.enter_context(Zibrato(host.endpoint, acknowledged=True, linger=30))
            for host in self.hosts
        ]
        self.chance = random.Random(7)
        self.recorded: list[float] = []
        self.counted = [0 for _ in self.hosts]

    def record(self, *, hosts: Sequence[int] = (0, 1, 2)) -> None:
        """Record on some hosts, whether or not their daemons are there."""
        for host in hosts:
            z = self.clients[host]
            for _ in range(SAMPLES):
                # Of each host another distribution: no host's percentiles are those of all.
                seconds = self.chance.lognormvariate(-5 + host, 0.5)
                self.recorded.append(seconds)
                z.timing(name="work", value=seconds, level="warning", tags={"route": "/a"})
                z.count(name="calls")
            self.counted[host] += SAMPLES

    def flush(self, *, hosts: Sequence[int] = (0, 1, 2)) -> None:
        """Wait until daemons have committed what was recorded."""
        for host in hosts:
            assert self.clients[host].flush(30)

    def check(self) -> None:
        """Assert that the hub has all of it, once, and as one distribution."""
        self.hub.wait_for_total("calls", sum(self.counted))
        calls = {source: sums for (source, _, _), sums in self.hub.sums("calls").items()}
        assert calls == {
            host.name: (count, count)
            for host, count in zip(self.hosts, self.counted, strict=True)
            if count
        }
        work = self.hub.sums("work")
        assert {key[1:] for key in work} == {("warning", "route=/a")}
        assert sum(count for count, _ in work.values()) == len(self.recorded)
        assert sum(total for _, total in work.values()) == pytest.approx(sum(self.recorded))
        ordered = sorted(self.recorded)
        exact = [ordered[ceil(percent * len(ordered) / 100) - 1] for percent in PERCENTS]
        assert self.hub.percentiles("work", PERCENTS) == pytest.approx(exact, rel=0.01)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with ExitStack() as stack:
        yield Fleet(stack, tmp_path)


def test_hosts_and_their_hub_may_be_killed(fleet: Fleet) -> None:
    fleet.record()
    fleet.flush()
    fleet.hosts[1].kill()
    fleet.record()
    fleet.flush(hosts=(0, 2))
    fleet.stack.enter_context(fleet.hosts[1].start())
    fleet.flush()
    fleet.hub.kill()
    fleet.record()
    fleet.flush()
    fleet.stack.enter_context(fleet.hub.start())
    fleet.check()


@pytest.mark.soak
@pytest.mark.fault("a host or the hub that hosts ship to is killed (-9)")
def test_hosts_and_hub_killed_at_any_instant_lose_and_double_nothing(
    fleet: Fleet, account_for: Callable[[Tally], None]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    made = 0
    for _ in range(KILLS):
        for z in fleet.clients:
            for _ in range(COUNTS):
                z.count(name="calls")
            made += COUNTS
        hold_for(chance.random() / 2)()
        victim = chance.choice([fleet.hub, *fleet.hosts])
        victim.kill()
        fleet.stack.enter_context(victim.start())
    fleet.flush()
    fleet.hub.wait_for_total("calls", made)
    account_for(Tally(made, int(fleet.hub.total("calls")), KILLS))
