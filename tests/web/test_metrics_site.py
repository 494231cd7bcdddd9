"""Endpoints of their own: where they may be, who may ask there, and what a reload changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer
from zope.interface.verify import verifyObject

from tests.fake_reactor import FakeReactor
from tests.store.web.raw_client import sent
from zibrato.backends.memory import MemoryBackend
from zibrato.interfaces import IScrapedBackend, IWebService
from zibrato.web.metrics_site import MetricsService, own_services

LOCAL = "tcp:0:interface=127.0.0.1"
AUTHORIZATION = "Basic dXNlcjpzZWNyZXQ="


@implementer(IScrapedBackend)
class Scraped(MemoryBackend):
    name = "prometheus"

    def __init__(self, endpoint: str | None) -> None:
        super().__init__()
        self.endpoint = endpoint

    def answer(self, _request: object, _descriptions: object) -> Deferred[Iterator[bytes]]:
        return succeed(iter([b"calls 1\n"]))


def made(
    *endpoints: str | None,
    credentials: Path | None = None,
    anybody: bool = False,
    page: bool = True,
) -> list[IWebService]:
    backends = [Scraped(endpoint) for endpoint in endpoints]
    return [*own_services(FakeReactor(), backends, credentials, anybody=anybody, has_page=page)]


def status(service: IWebService, path: bytes = b"/metrics", **headers: str) -> int:
    assert isinstance(service, MetricsService)
    return sent(service.site, "GET", path, b"", **headers).status


def test_on_this_host_anybody_may_ask() -> None:
    service, _ = made(LOCAL, "tcp:0:interface=\\:\\:1")
    verifyObject(IWebService, service)
    assert status(service) == 200
    assert status(service, b"/") == 404
    assert status(service, Host="rebound.example") == 403


def test_beyond_it_who_has_the_credentials(credentials: Path) -> None:
    with pytest.raises(ValueError, match="endpoint: tcp:0 can be reached from elsewhere"):
        made("tcp:0")
    (open_to_all,) = made("tcp:0", anybody=True)
    assert status(open_to_all) == 200
    (service,) = made("tcp:0", credentials=credentials)
    assert status(service) == 401
    assert status(service, Authorization=AUTHORIZATION, Host="some.name") == 200


def test_a_reload_reads_the_credentials_anew(credentials: Path) -> None:
    (service,) = made(LOCAL, credentials=credentials)
    credentials.write_text("user:other")
    service.reload(credentials)
    assert status(service, Authorization=AUTHORIZATION) == 401
    credentials.write_text("nonsense")
    service.reload(credentials)
    assert status(service, Authorization=AUTHORIZATION) == 401
    service.reload(None)


def test_without_an_endpoint_one_is_at_the_page() -> None:
    assert made(None) == []
    for endpoints, page in (((None,), False), ((None, None), True)):
        with pytest.raises(
            ValueError, match="expected a page that can serve /metrics, and only one"
        ):
            made(*endpoints, page=page)


@pytest.mark.parametrize(
    ("endpoint", "line"),
    [
        ("nonsense:1", "expected a Twisted endpoint such as tcp:9464"),
        ("tcp:0:interface=192.0.2.1", "can't listen at tcp:0"),
    ],
)
def test_what_can_t_be_is_one_line(endpoint: str, line: str) -> None:
    with pytest.raises(ValueError, match=f"^--backend prometheus: endpoint: .*{line}"):
        made(endpoint, anybody=True)


def test_credentials_that_can_t_be_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^--web-credentials: "):
        made(LOCAL, credentials=tmp_path / "nix")
