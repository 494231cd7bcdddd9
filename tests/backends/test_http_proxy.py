"""What names a proxy, and a proxy that lies, leaves, or says too much; see also integration."""

from __future__ import annotations

from base64 import b64encode

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport

from zibrato.backends.http_proxy import Proxy, _Tunnel


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://proxy:8080", Proxy("proxy", 8080, None)),
        ("http://proxy/", Proxy("proxy", 3128, None)),
        ("HTTP://[::1]:8080", Proxy("::1", 8080, None)),
        ("http://me:p:w@proxy:1", Proxy("proxy", 1, b"Basic " + b64encode(b"me:p:w"))),
        ("http://me:p%40w%25@proxy:1", Proxy("proxy", 1, b"Basic " + b64encode(b"me:p@w%"))),
    ],
)
def test_urls(text: str, expected: Proxy) -> None:
    assert Proxy.parse(text) == expected


@pytest.mark.parametrize(
    "text", ["proxy:8080", "https://proxy", "http://proxy:0", "http://proxy:99999", "http://a b"]
)
def test_what_is_no_url_is_rejected_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="proxy: expected http://HOST:PORT") as caught:
        Proxy.parse(text)
    assert text not in str(caught.value)


class Transport(StringTransport):
    def abortConnection(self) -> None:
        self.aborting = True


class Inner(Protocol):
    def connectionMade(self) -> None:
        self.received = b""

    def dataReceived(self, data: bytes) -> None:
        self.received += data


def connected() -> tuple[_Tunnel, Transport, list[IProtocol], list[Exception]]:
    tunnel, transport = _Tunnel(b"CONNECT\r\n\r\n", Factory.forProtocol(Inner)), Transport()
    made: list[IProtocol] = []
    errors: list[Exception] = []
    tunnel.established.addCallbacks(made.append, lambda failure: errors.append(failure.value))
    tunnel.makeConnection(transport)
    return tunnel, transport, made, errors


def test_all_that_comes_behind_the_answer_goes_on() -> None:
    tunnel, transport, made, _ = connected()
    assert transport.value() == b"CONNECT\r\n\r\n"
    for data in (b"HTTP/1.1 200 ", b"fine\r\nA: b\r\n\r\nhel", b"lo"):
        tunnel.dataReceived(data)
    (inner,) = made
    assert isinstance(inner, Inner)
    assert inner.received == b"hello"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (b"HTTP/1.1 407 no\r\n\r\n", "has status 407"),
        (b"SSH-2.0\r\n\r\n", "is not HTTP"),
        (b"x" * 20_000, "is not HTTP"),
    ],
)
def test_a_proxy_that_won_t_is_parted_with(answer: bytes, why: str) -> None:
    tunnel, transport, made, errors = connected()
    tunnel.dataReceived(answer)
    assert transport.aborting
    assert why in str(errors[0])
    assert made == []


def test_a_proxy_that_leaves_fails_it() -> None:
    tunnel, _, _, errors = connected()
    tunnel.connectionLost()
    assert isinstance(errors[0], ConnectError)


def test_who_waits_no_longer_ends_it() -> None:
    tunnel, transport = _Tunnel(b"", Factory.forProtocol(Inner)), Transport()
    established: Deferred[IProtocol] = tunnel.established
    tunnel.makeConnection(transport)
    established.cancel()
    established.addErrback(lambda _: None)
    assert transport.aborting
    tunnel.dataReceived(b"HTTP/1.1 200 late\r\n\r\n")
