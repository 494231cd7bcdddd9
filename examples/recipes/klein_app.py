"""A klein application whose handlers are timed to their end, whatever they return.

    twistd -n -y examples/recipes/klein_app.py

The instruments go below `route`. `TxZibrato` is a service of the application: it sends from the
reactor, and sends what is left as the application stops. (`Zibrato` works too, but Twisted ends a
process by the signal that stopped it, without `atexit`: call its `close` at the shutdown.)
"""

from __future__ import annotations

import os
from collections.abc import Generator

from klein import Klein
from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import Application
from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import serverFromString
from twisted.internet.task import deferLater
from twisted.web.iweb import IRequest
from twisted.web.server import Site

from zibrato.tx import TxZibrato

app = Klein()
z = TxZibrato()


def database(answer: str) -> Deferred[str]:
    """Return what takes a while, as databases do."""
    return deferLater(reactor, 0.05, lambda: answer)


@app.route("/coroutine/<int:number>")
@z.time_me(name="http.request_time", tags={"route": "/coroutine"})
@z.count_me(name="http.requests", tags={"route": "/coroutine"})
async def coroutine(_: IRequest, number: int) -> str:
    """Await."""
    return await database(f"item {number}\n")


@app.route("/chain/<int:number>")
@z.time_me(name="http.request_time", tags={"route": "/chain"})
@z.count_me(name="http.requests", tags={"route": "/chain"})
def chain(_: IRequest, number: int) -> Deferred[str]:
    """Return a Deferred with a chain of callbacks."""
    return database(str(number)).addCallback(lambda answer: f"item {answer}\n")


@app.route("/inline/<int:number>")
@z.time_me(name="http.request_time", tags={"route": "/inline"})
@z.count_me(name="http.requests", tags={"route": "/inline"})
@inlineCallbacks
def inline(_: IRequest, number: int) -> Generator[Deferred[str], str, str]:
    """Yield; fail for the number 0."""
    answer = yield database(f"item {number}\n")
    if number == 0:
        raise LookupError("no item 0")
    return answer


application = Application("shop")
z.setServiceParent(application)  # the first to come is the last to stop
endpoint = serverFromString(reactor, os.environ.get("LISTEN", "tcp:8080"))
StreamServerEndpointService(endpoint, Site(app.resource())).setServiceParent(application)
