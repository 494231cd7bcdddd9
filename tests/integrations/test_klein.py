"""What is recorded of a klein application, also of those in others; no server is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import twisted.internet
from klein import Klein
from treq.testing import StubTreq
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import MemoryReactor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.iweb import IRequest
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request
from zope.interface.verify import verifyObject

from tests.integrations.exchanges import exceptions, routes, statuses
from zibrato.integrations import klein
from zibrato.integrations.klein import Measured
from zibrato.testing import RecordingZibrato


def shop() -> Klein:
    """Return an application with sections, and with another application."""
    app, inner = Klein(), Klein()

    @inner.route("/<int:number>", methods=["GET"])
    def item(_: IRequest, number: int) -> str:
        return f"item {number}"

    @inner.route("/")
    def items(_: IRequest) -> str:
        return "items"

    @app.route("/of/<tenant>/items/", branch=True)
    def tenant(_: IRequest, tenant: str) -> IResource:
        return inner.resource()

    with app.subroute("/v1") as section:

        @section.route("/about/<topic>")
        def about(_: IRequest, topic: str) -> str:
            return topic

    @app.route("/broken/<int:number>")
    def broken(_: IRequest, number: int) -> str:
        raise LookupError(number)

    return app


class OwnClient(RecordingZibrato, Service):
    """Takes the place of `TxZibrato`."""

    def __init__(self) -> None:
        super().__init__()
        self.stopped = Deferred[None]()

    def stopService(self) -> Deferred[None]:
        Service.stopService(self)
        return self.stopped


class MeasuredTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.z = RecordingZibrato()

    def ask(self, path: str, resource: IResource | None = None, method: str = "GET") -> int:
        """Return the status of a request."""
        stub: Any = StubTreq(resource or Measured(shop().resource(), self.z))
        response: Any = self.successResultOf(stub.request(method, f"http://shop.test{path}"))
        code: int = response.code
        return code

    def test_it_is_a_resource(self) -> None:
        verifyObject(IResource, Measured(shop().resource(), self.z))

    def test_routes(self) -> None:
        for path, route, expected in (
            ("/v1/about/us", "/v1/about/<topic>", "2xx"),
            ("/of/eva/items/3", "/of/<tenant>/items/<int:number>", "2xx"),
            ("/of/eva/items/", "/of/<tenant>/items/", "2xx"),
            ("/of/eva/items/none", "/of/<tenant>/items/", "4xx"),
            ("/none/3", "other", "4xx"),
            ("/%ff", "other", "4xx"),
        ):
            self.z.clear()
            self.ask(path)
            self.assertEqual((path, routes(self.z)), (path, {route}))
            self.assertEqual((path, statuses(self.z)), (path, [expected]))
        self.flushLoggedErrors(UnicodeDecodeError)

    def test_a_method_that_the_route_has_not(self) -> None:
        self.assertEqual(self.ask("/of/eva/items/3", method="PUT"), 405)
        tags = {"method": "PUT", "status": "4xx", "route": "/of/<tenant>/items/"}
        self.assertEqual(self.z.counted("http.requests", tags=tags), 1)

    def test_a_mount_is_part_of_the_route(self) -> None:
        root, version = Resource(), Resource()
        root.putChild(b"api", version)
        version.putChild(b"2", Measured(shop().resource(), self.z))
        self.ask("/api/2/of/eva/items/3", root)
        self.assertEqual(routes(self.z), {"/api/2/of/<tenant>/items/<int:number>"})

    def test_an_exception(self) -> None:
        self.assertEqual(self.ask("/broken/3"), 500)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        self.assertEqual(statuses(self.z), ["5xx"])
        self.assertEqual(exceptions(self.z), {("/broken/<int:number>", "LookupError"): 1})

    def test_an_exception_that_the_application_handles_is_none(self) -> None:
        app = shop()

        @app.handle_errors(LookupError)
        def missing(request: Any, failure: Failure) -> str:
            request.setResponseCode(404)
            return "missing"

        self.assertEqual(self.ask("/broken/3", Measured(app.resource(), self.z)), 404)
        self.assertEqual((statuses(self.z), exceptions(self.z)), (["4xx"], {}))

    def test_a_request_ends_as_its_response_does(self) -> None:
        app, answer = Klein(), Deferred[str]()
        app.route("/")(lambda _: answer)
        stub: Any = StubTreq(Measured(app.resource(), self.z))
        response = stub.get("http://shop.test/")
        self.assertNoResult(response)
        self.assertEqual(statuses(self.z), [])
        answer.callback("here")
        stub.flush()
        self.successResultOf(response)
        self.assertEqual(statuses(self.z), ["2xx"])

    def test_a_client_that_goes_away_is_no_failure_of_the_server(self) -> None:
        app = Klein()
        app.route("/")(lambda _: Deferred[str]())
        lost: list[Callable[[], None]] = []

        class Losing(Resource):
            isLeaf = True

            def render(self, request: Any) -> Any:
                lost.append(lambda: request.connectionLost(Failure(ConnectionDone())))
                return app.resource().render(request)

        stub: Any = StubTreq(Measured(Losing(), self.z))
        stub.get("http://shop.test/").addErrback(lambda _: None)
        lost.pop()()
        self.assertEqual((statuses(self.z), exceptions(self.z)), (["4xx"], {}))

    def test_an_own_client_is_started_once_and_stopped_while_the_reactor_waits(self) -> None:
        clients: list[OwnClient] = []

        def make() -> OwnClient:
            clients.append(OwnClient())
            return clients[-1]

        reactor = MemoryReactor()
        self.patch(klein, "TxZibrato", make)
        self.patch(twisted.internet, "reactor", reactor)
        measured = Measured(shop().resource())
        (z,) = clients
        self.assertFalse(z.running)
        for _ in range(2):
            self.ask("/v1/about/us", measured)
        self.assertEqual((z.running, statuses(z)), (1, ["2xx", "2xx"]))
        # In the other phases a reactor waits for no Deferred.
        ((stop, _, _),) = reactor.triggers["before"]["shutdown"]
        self.assertIs(stop(), z.stopped)
        self.assertEqual(set(reactor.triggers), {"before"})

    def test_other_resources_are_one_route(self) -> None:
        class Page(Resource):
            isLeaf = True

            def render_GET(self, _: IRequest) -> bytes:
                return b"here"

        self.assertEqual(self.ask("/x", Measured(Page(), self.z)), 200)
        self.assertEqual((routes(self.z), statuses(self.z)), ({"other"}, ["2xx"]))

    def test_an_application_within_that_is_measured_too_records_as_well(self) -> None:
        within = RecordingZibrato()
        outer = Klein()
        inner = Measured(shop().resource(), within)
        outer.route("/shop/", branch=True)(lambda _: inner)
        self.assertEqual(self.ask("/shop/of/eva/items/3", Measured(outer.resource(), self.z)), 200)
        self.assertEqual((statuses(self.z), statuses(within)), (["2xx"], ["2xx"]))
        self.assertEqual(self.ask("/shop/broken/3", Measured(outer.resource(), self.z)), 500)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        expected = {("/shop/broken/<int:number>", "LookupError"): 1}
        self.assertEqual((exceptions(self.z), exceptions(within)), (expected, expected))

    def test_a_request_that_can_not_be_measured_is_handled(self) -> None:
        class Odd:
            method = b"GET"

        class Page(Resource):
            def render_GET(self, _: IRequest) -> bytes:
                return b"here"

        self.assertEqual(Measured(Page(), self.z).render(cast(Request, Odd())), b"here")
