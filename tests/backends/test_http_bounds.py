"""Servers that answer without end, or odd things; over real connections."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any, cast

import pytest
from twisted.internet import reactor
from twisted.internet.interfaces import IPullProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from zibrato.backends.http import HttpClient, Poster, client
from zibrato.backends.http_bounds import MAX_BODY
from zibrato.backends.http_proxy import Proxy
from zibrato.backends.http_responses import Response
from zibrato.interfaces import Reactor, RetryLater

OK = b"HTTP/1.1 200 OK\r\n"
MAX_SENT = 8 << 20
"""Bytes that a client without a bound would have to read: a test must end."""


@implementer(IPullProducer)
class Answering(Protocol):
    """Sends parts as fast as they are taken, once something came."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self.parts = parts
        self.asked = False
        self.sent = 0

    def dataReceived(self, data: bytes) -> None:
        if not self.asked:
            self.asked = True
            self.transport.registerProducer(self, False)  # type: ignore[union-attr]

    def resumeProducing(self) -> None:
        part = next(self.parts, b"") if self.sent < MAX_SENT else b""
        if not part:
            self.transport.unregisterProducer()  # type: ignore[union-attr]
            self.transport.loseConnection()  # type: ignore[union-attr]
        self.sent += len(part)
        self.transport.write(part)  # type: ignore[union-attr]

    def stopProducing(self) -> None:
        self.parts = iter(())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.stopProducing()


class BoundsTests(TestCase):
    async def post(self, *parts: bytes, endless: bytes = b"") -> Response:
        self.server = Answering(chain(parts, repeat(endless)))
        http, url = self.client(lambda: self.server)
        return await Poster(http, reactor).post(url, b"x", {})

    def client(
        self, make: Callable[[], Protocol], *, is_proxy: bool = False
    ) -> tuple[HttpClient, str]:
        """Return a client, and the URL of a server of its own, which may be its proxy."""
        factory: Any = Factory.forProtocol(make)
        port: Any = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        url = f"http://127.0.0.1:{port.getHost().port}/"
        proxy = Proxy.parse(url) if is_proxy else None
        http, close = client(cast("Reactor", reactor), proxy)
        self.addCleanup(close)
        return http, url

    async def refusal(self, *parts: bytes, endless: bytes = b"") -> str:
        with self.assertRaises(RetryLater) as caught:
            await self.post(*parts, endless=endless)
        return str(caught.exception)

    @pytest.mark.attack("a server whose headers never end", before="memory grew by 27 MiB a second")
    async def test_a_head_without_end(self) -> None:
        reason = await self.refusal(OK, endless=b"X-More: %b\r\n" % (b"a" * 1000) * 16)
        self.assertEqual(reason, "EndlessHeadError: the head of the answer is over 65536 bytes")

    @pytest.mark.attack(
        "a server that says without end that it goes on", before="90,000 lines of the log a second"
    )
    async def test_interim_answers_without_end(self) -> None:
        with capturedLogs() as events:
            reason = await self.refusal(endless=b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)
        self.assertIn("EndlessHeadError", reason)
        self.assertEqual([event for event in events if "code" in event], [])

    @pytest.mark.attack(
        "a server whose answer inflates without end", before="the reactor was late by 0.14 s"
    )
    async def test_a_body_that_inflates_without_end(self) -> None:
        deflating = zlib.compressobj(9, zlib.DEFLATED, 31)
        zeros = bytes(1 << 20)
        body = b"".join(deflating.compress(zeros) for _ in range(64))
        response = await self.post(OK, b"Content-Encoding: gzip\r\n\r\n", endless=body)
        self.assertEqual((response.status, response.body), (200, bytes(MAX_BODY)))
        self.assertLess(self.server.sent, MAX_SENT)

    async def test_a_body_without_end_is_not_waited_for(self) -> None:
        response = await self.post(OK, b"\r\n", endless=b"x" * 10_000)
        self.assertEqual((response.status, response.body), (200, b"x" * MAX_BODY))
        self.assertLess(self.server.sent, MAX_SENT)

    async def test_a_body_may_come_as_gzip_good_or_bad(self) -> None:
        for body, inflated in (
            (gzip.compress(b"too old"), b"too old"),
            (gzip.compress(b"too old")[:-9], b"too ol"),
            (b"no gzip", b""),
        ):
            response = await self.post(OK, b"Content-Encoding: gzip\r\n\r\n", body)
            self.assertEqual(response.body[:6], inflated[:6])

    async def test_a_connection_through_a_proxy_is_no_line_of_the_log(self) -> None:
        answering = Answering(iter([b"HTTP/1.1 502 Bad Gateway\r\n\r\n"]))
        http, _ = self.client(lambda: answering, is_proxy=True)
        with capturedLogs() as events, self.assertRaises(RetryLater) as caught:
            await Poster(http, cast("Reactor", reactor)).post("https://there.invalid/", b"", {})
        self.assertIn("the proxy's answer to CONNECT has status 502", str(caught.exception))
        self.assertEqual(events, [])

    async def test_one_interim_answer_is_nothing(self) -> None:
        response = await self.post(b"HTTP/1.1 103 Early Hints\r\n\r\n", OK, b"\r\n", b"body")
        self.assertEqual((response.status, response.body), (200, b"body"))

    async def test_no_cookie_is_kept(self) -> None:
        asked: list[bytes] = []

        class Server(Protocol):
            def dataReceived(self, data: bytes) -> None:
                asked.append(data)
                end = b"Set-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
                self.transport.write(OK + end)  # type: ignore[union-attr]

        http, url = self.client(Server)
        for _ in range(2):
            await Poster(http, reactor).post(url, b"", {})
        self.assertGreaterEqual(len(asked), 2)
        self.assertNotIn(b"Cookie", b"".join(asked))

    async def test_a_reason_quotes_nothing_of_what_is_no_http(self) -> None:
        for answer, reason in (
            (b"SSH-2.0 a-secret\r\n\r\n", "ParseError: the answer is not HTTP"),
            (OK + b"Content-Length: a-secret\r\n\r\n", "ValueError: the answer is not HTTP"),
            (OK + b"Transfer-Encoding: a-secret\r\n\r\n", "KeyError: the answer is not HTTP"),
            (b"HTTP/1.1 -200 OK\r\n\r\n", "the answer's status is not an HTTP status"),
            (b"HTTP/1.1 99999999999 OK\r\n\r\n", "the answer's status is not an HTTP status"),
        ):
            self.assertEqual(await self.refusal(answer), reason)
