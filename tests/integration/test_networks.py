"""Acknowledged clients over networks that fail: exactly what was made."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

import pytest

from tests import soak
from tests.integration.librato_server import LibratoServer
from tests.integration.proxy import Proxy
from tests.integration.shipping import counting, hold_for, made_by, shipping
from tests.integration.tally import Tally

SECONDS = soak.seconds(100)
Failure = Callable[[Sequence[Proxy], Callable[[], None]], None]


def stall(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    proxies[0].stalled = True
    hold()
    proxies[0].stalled = False


def stall_answers(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    proxies[1].stalled = True
    hold()
    proxies[1].stalled = False


def swallow(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    proxies[0].swallowing = True
    hold()
    proxies[0].cut()
    proxies[0].swallowing = False
    proxies[0].cut()


def delay(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    for proxy in proxies:
        proxy.delay = 0.02
    hold()
    for proxy in proxies:
        proxy.delay = 0.0


def cut(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    proxies[0].cut()
    hold()


def cut_answers(proxies: Sequence[Proxy], hold: Callable[[], None]) -> None:
    proxies[1].cut()
    hold()


FAILURES: dict[str, Failure] = {
    "the network stalls": stall,
    "the network stalls on the way back": stall_answers,
    "the network loses data, then is cut": swallow,
    "the network delays": delay,
    "the network is cut": cut,
    "the network is cut on the way back": cut_answers,
}
ALL = pytest.param((*FAILURES.values(),), marks=pytest.mark.fault("the network does all of that"))
ALONE = [
    pytest.param((failure,), marks=pytest.mark.fault(name)) for name, failure in FAILURES.items()
]


@pytest.mark.soak
@pytest.mark.parametrize("failures", [ALL] if soak.SHARE < 1 else [*ALONE, ALL])
def test_a_network_that_fails_loses_and_doubles_nothing(
    tmp_path: Path, failures: Sequence[Failure], account_for: Callable[[Tally], None]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    endpoint = f"ipc://{tmp_path}/socket"
    with (
        LibratoServer() as server,
        shipping(server, endpoint) as process,
        Proxy(endpoint) as forth,
        Proxy(f"{endpoint}.ack") as back,
        counting(2, forth.endpoint, back.endpoint) as programs,
    ):
        end = monotonic() + SECONDS * max(0.2, len(failures) / len(FAILURES))
        times = 0
        while monotonic() < end:
            chance.choice(failures)((forth, back), hold_for(chance.random() / 2))
            times += 1
        made = made_by(programs)
        process.stop(signal.SIGQUIT)
        account_for(Tally(made, server.count("hits"), times))
