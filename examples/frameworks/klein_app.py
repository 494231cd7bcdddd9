"""A klein application that counts and times its requests.

twistd -n -y examples/frameworks/klein_app.py
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

from zibrato.integrations.klein import Measured

app = Klein()


def database(answer: str) -> Deferred[str]:
    """Return what takes a while, as databases do."""
    return deferLater(reactor, 0.05, lambda: answer)


@app.route("/coroutine/<int:number>")
async def coroutine(_: IRequest, number: int) -> str:
    """Await."""
    return await database(f"item {number}\n")


@app.route("/chain/<int:number>")
def chain(_: IRequest, number: int) -> Deferred[str]:
    """Return a Deferred with a chain of callbacks."""
    return database(str(number)).addCallback(lambda answer: f"item {answer}\n")


@app.route("/inline/<int:number>")
@inlineCallbacks
def inline(_: IRequest, number: int) -> Generator[Deferred[str], str, str]:
    """Yield; fail for the number 0."""
    answer = yield database(f"item {number}\n")
    if number == 0:
        raise LookupError("no item 0")
    return answer


application = Application("shop")
endpoint = serverFromString(reactor, os.environ.get("LISTEN", "tcp:8080"))
site = Site(Measured(app.resource()))
StreamServerEndpointService(endpoint, site).setServiceParent(application)
