"""Counts and times the requests of a klein application.

Site(Measured(app.resource()))
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource
from zope.interface import implementer

from zibrato.client.instruments import Instruments
from zibrato.integrations.requests import GONE, OTHER, Requests
from zibrato.tx import TxZibrato

if TYPE_CHECKING:
    from klein.interfaces import IKleinRequest
    from twisted.web.server import Request

__all__ = ["Measured"]

REST = "<path:__rest__>"
"""What klein appends to the rule of a branch."""


class _Rule(Protocol):
    """The part of werkzeug's rule that is used."""

    rule: str


class _Mapper(Protocol):
    """The part of werkzeug's adapter that is used; klein sets its option `return_rule`."""

    script_name: str
    match: Callable[..., tuple[_Rule, object]]


@implementer(IResource)
class Measured:
    """Wraps the resource of a klein application; a request ends when its response ends.

    The default of `z` is a `TxZibrato()` that starts with the first request and stops when the
    reactor stops. Other resources of twisted.web are measured, too, with the route `other`.
    """

    isLeaf = True

    def __init__(self, resource: IResource, z: Instruments | None = None) -> None:
        from klein.interfaces import IKleinRequest  # noqa: PLC0415 - imports the reactor, chosen by now

        self._resource = resource
        self._klein_request = IKleinRequest
        self._own: TxZibrato | None = None
        if z is None:
            z = self._own = TxZibrato()
        self._requests = Requests(z)

    def render(self, request: Request) -> bytes | int:
        """Handle a request."""
        with suppress(Exception):  # the request is handled, whatever is raised
            if self._own is not None and not self._own.running:
                _start(self._own)
            _Exchange(self._requests, request, self._klein_request)
        body: bytes | int = self._resource.render(request)
        return body

    def getChildWithDefault(self, name: bytes, request: IRequest) -> IResource:
        """Return the resource's child; a leaf is never asked for one."""
        child: IResource = self._resource.getChildWithDefault(name, request)
        return child

    def putChild(self, path: bytes, child: IResource) -> None:
        """Put a child into the resource."""
        self._resource.putChild(path, child)


def _start(z: TxZibrato) -> None:
    """Start a client, and have the reactor stop it at its end, and wait for what it sends then.

    The reactor waits only in this phase. Triggers that were added before the first request, such as
    those of an application's services, run first.
    """
    from twisted.internet import reactor  # noqa: PLC0415 - the installed reactor runs by now

    z.startService()
    reactor.addSystemEventTrigger("before", "shutdown", z.stopService)


class _Exchange:
    """One request and its response, from now until the response is finished."""

    def __init__(
        self, requests: Requests, request: Request, klein_request: type[IKleinRequest]
    ) -> None:
        self._begun = perf_counter()
        self._requests = requests
        self._request = request
        self._mappers = _Mappers(klein_request(request, None))
        request.setComponent(klein_request, self._mappers)
        self._answer: Callable[[Failure], object] = request.processingFailed
        request.processingFailed = self._fail  # type: ignore[method-assign]  # only of this request
        request.notifyFinish().addCallbacks(self._end, self._end_early)

    def _fail(self, failure: Failure) -> object:
        """Count an exception that no handler of the application has caught; Twisted responds."""
        self._requests.count_exception(self._mappers.route(), failure.type or Exception)
        return self._answer(failure)

    def _end(self, _: object) -> None:
        self._record(self._request.code)

    def _end_early(self, _: Failure) -> None:
        """Record a request whose connection was lost."""
        self._record(GONE)

    def _record(self, status: int) -> None:
        seconds = perf_counter() - self._begun
        # It would be kept alive by a circle of references. Another exchange may have removed it.
        vars(self._request).pop("processingFailed", None)
        method = self._request.method.decode("latin-1")
        self._requests.record(self._mappers.route(), method, status, seconds)


class _Mappers:
    """Replaces klein's data of a request, and remembers the rules that are matched.

    Klein itself doesn't keep them. There are several if an application passes the request to the
    resource of another one, whose mapper replaces the first one's.
    """

    def __init__(self, inner: IKleinRequest) -> None:
        self._inner = inner
        self._mapper: _Mapper | None = None
        self._mounted = ""
        self._rules: list[str] = []

    @property
    def mapper(self) -> _Mapper | None:
        """Werkzeug's adapter of the innermost application so far."""
        return self._mapper

    @mapper.setter
    def mapper(self, mapper: _Mapper) -> None:
        if self._mapper is None:
            self._mounted = mapper.script_name
        self._inner.mapper = self._mapper = mapper
        match = mapper.match

        def match_and_remember(*arguments: object, **options: object) -> tuple[_Rule, object]:
            # The first call is klein's. Another object like this, around this one, may have removed
            # it.
            vars(mapper).pop("match", None)
            matched = match(*arguments, **options)
            self._rules.append(matched[0].rule)
            return matched

        mapper.match = match_and_remember

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def route(self) -> str:
        """Return the matched rules, such as /shop/items/<int:number>, and never the path."""
        if not self._rules:
            return OTHER
        rules = [rule.removesuffix(REST).rstrip("/") for rule in self._rules[:-1]]
        last = self._rules[-1].removesuffix(REST)
        return "".join([self._mounted.rstrip("/"), *rules, last])
