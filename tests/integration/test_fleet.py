"""Hosts that ship to one hub, some of which are killed: as if all was measured in one place."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from math import ceil
from pathlib import Path
from shutil import which

import pytest

from tests import soak
from tests.integration.fleet import Hub, Machine
from tests.integration.processes import eventually
from tests.integration.prometheus_server import (
    PromQl,
    prometheus,
    victoria_metrics,
    wait_for_value,
)
from tests.integration.shipping import hold_for
from tests.integration.tally import Tally
from tests.ports import free_port
from zibrato import Zibrato
from zibrato.commands.keygen import make_keys

SAMPLES = 1000 if soak.SHARE < 0.1 else soak.rounds(200_000)
"""Of each host and phase: in two of them together more than a distribution keeps as they are."""
KILLS = soak.rounds(100)
COUNTS = 100
PERCENTS = (50, 90, 99, 99.9)


class Fleet:
    """Three hosts with a client each, what was recorded there, and what their hub writes to."""

    def __init__(
        self,
        stack: ExitStack,
        path: Path,
        engine: PromQl | None = None,
        classic: PromQl | None = None,
    ) -> None:
        self.stack = stack
        self.engine, self.classic = engine, classic
        self.hub = Hub(path, *written_to(engine, "native"), *written_to(classic, "classic"))
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

        def timings() -> int:
            return sum(count for count, _ in self.hub.sums("work").values())

        eventually(lambda: timings() >= len(self.recorded))
        work = self.hub.sums("work")
        assert {key[1:] for key in work} == {("warning", "route=/a")}
        assert timings() == len(self.recorded)
        assert sum(total for _, total in work.values()) == pytest.approx(sum(self.recorded))
        ordered = sorted(self.recorded)
        exact = [ordered[ceil(percent * len(ordered) / 100) - 1] for percent in PERCENTS]
        assert self.hub.percentiles("work", PERCENTS) == pytest.approx(exact, rel=0.01)
        for engine in filter(None, (self.engine, self.classic)):
            wait_for_value(engine, "sum(calls_total)", sum(self.counted))
        if self.classic is not None:
            wait_for_value(self.classic, "sum(work_seconds_count)", len(ordered))
        if self.engine is not None:
            wait_for_value(self.engine, "histogram_count(sum(work_seconds))", len(ordered))
            # It guesses between bounds of a bucket, 1.1 % apart, and its ranks are fractions.
            for percent, value in zip(PERCENTS[:-1], exact[:-1], strict=True):
                query = f"histogram_quantile({percent / 100}, sum(work_seconds))"
                assert self.engine.value(query) == pytest.approx(value, rel=0.01)


def written_to(engine: PromQl | None, histograms: str) -> Sequence[str]:
    """Return the options of a daemon that writes to a server, where there is one."""
    if engine is None:
        return ()
    return ("--backend", f"remote_write:url={engine.url}/api/v1/write:histograms={histograms}")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with ExitStack() as stack:
        yield Fleet(stack, tmp_path)


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Fleet]:
    """One whose hub writes to Prometheus and VictoriaMetrics, as far as they are installed."""
    with ExitStack() as stack:
        engine = classic = None
        if which("prometheus"):
            options = ("--web.enable-remote-write-receiver", "--enable-feature=native-histograms")
            engine = stack.enter_context(prometheus(tmp_path, *options))
        if which("victoria-metrics"):
            classic = stack.enter_context(victoria_metrics(tmp_path))
        yield Fleet(stack, tmp_path, engine, classic)


def test_hosts_and_their_hub_may_be_killed(written: Fleet) -> None:
    fleet = written
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


def test_a_hub_that_other_hosts_reach_takes_what_comes_with_a_key(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    make_keys(keys, "server")
    make_keys(keys, "web1")
    (keys / "clients" / "web1.key").write_text((keys / "web1.key").read_text())
    port, back = free_port(), free_port()
    hub = Hub(tmp_path, "--curve-keys", str(keys), endpoint=f"tcp://0.0.0.0:{port}")
    ends = f"socket=tcp://127.0.0.1:{port}:acknowledgements=tcp://127.0.0.1:{back}"
    host = Machine(tmp_path, "web1", "--backend", f"zibrato:{ends}:curve={keys}")
    with (
        hub.start("--acknowledgements", f"tcp://0.0.0.0:{back}") as there,
        host.start(),
        Zibrato(host.endpoint, linger=30) as z,
    ):
        z.count(name="calls", value=7)
        assert z.flush(30)
        there.wait_for("let in over CURVE: web1")
        hub.wait_for_total("calls", 7)
