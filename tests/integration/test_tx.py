"""The in-reactor client in real reactors: nothing lost, and a last drain at the stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.librato_server import LibratoServer
from tests.integration.processes import daemon, python

PROGRAM = """
import sys
from twisted.internet import {reactor}
{install}
from twisted.internet import reactor, defer, task
from twisted.application.service import Application, IService
from zibrato.tx import TxZibrato

z = TxZibrato(sys.argv[1], linger=30, reactor_metrics=True)

@z.count_me(name="early")
def early(): pass
for _ in range(10): early()           # before the service has started

@z.time_me(name="chain")
def chain():
    return task.deferLater(reactor, 0.05, lambda: 1).addCallback(lambda one: one + 1)

@z.time_me(name="coroutine")
async def coroutine():
    return await task.deferLater(reactor, 0.05, lambda: 3)

@z.time_me(name="inline")
@defer.inlineCallbacks
def inline():
    yield task.deferLater(reactor, 0.05, lambda: None)
    raise KeyError("passes through")

@z.count_me(name="calls")
def call(): pass

async def main():
    assert await chain() == 2
    assert await coroutine() == 3
    try:
        await inline()
    except KeyError:
        pass
    for _ in range(5000): call()
    await task.deferLater(reactor, 1.2, lambda: None)
    for _ in range(5000): call()
    reactor.stop()

application = Application("test")
z.setServiceParent(application)
service = IService(application)
service.startService()
reactor.addSystemEventTrigger("before", "shutdown", service.stopService)
reactor.callWhenRunning(lambda: defer.Deferred.fromCoroutine(main()))
reactor.run()
"""
INSTALL = {
    "asyncioreactor": "asyncioreactor.install()",
    "epollreactor": "epollreactor.install()",
    "selectreactor": "selectreactor.install()",
}


@pytest.mark.parametrize("reactor", sorted(INSTALL))
def test_every_reactor_delivers_everything(tmp_path: Path, reactor: str) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    with LibratoServer() as server:
        options = ("--username", server.username, "--apikey", server.apikey)
        with daemon(
            *(*options, "--hostname", server.url, "--socket", endpoint),
            *("--flush-interval", "1", "--stop-timeout", "30"),
        ) as process:
            program = PROGRAM.format(reactor=reactor, install=INSTALL[reactor])
            with python(program, endpoint) as application:
                assert application.wait() == 0
                assert application.output == ""
            process.stop()
        assert server.count("early") == 10
        assert server.count("calls") == 10_000
        for name in ("chain", "coroutine", "inline"):
            (timed,) = server.measurements(name)
            assert timed.get("count", 1) == 1
            assert float(timed["min"]) >= 0.04
        assert server.names() >= {"reactor.lag", "process.descriptors"}


def test_without_a_daemon_a_stop_takes_linger_at_most(tmp_path: Path) -> None:
    program = PROGRAM.format(reactor="epollreactor", install="epollreactor.install()")
    program = program.replace("linger=30, reactor_metrics=True", "linger=0.1")
    with python(program, f"ipc://{tmp_path}/nobody") as application:
        assert application.wait() == 0
        assert application.output == ""
