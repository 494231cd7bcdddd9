"""OTLP's own endpoint: where it may be, who may post there, and what a reload changes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.logger import capturedLogs, formatEvent
from twisted.web.resource import Resource
from zope.interface.verify import verifyObject

from tests.fake_reactor import FakeReactor
from tests.health_reports import healthy
from tests.store.web.raw_client import sent
from zibrato.health import Health
from zibrato.interfaces import IWebService
from zibrato.store.api.requests import MAX_BODY
from zibrato.store.web.access_control import AccessControl
from zibrato.web import otlp_site
from zibrato.web.otlp_site import ADVICE, OtlpService, otlp_service

LOCAL = "tcp:0:interface=127.0.0.1"
AUTHORIZATION = "Basic dXNlcjpzZWNyZXQ="


@pytest.fixture(autouse=True)
def _package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the package that the extra brings, whether it is there or not."""
    monkeypatch.setattr(otlp_site, "is_installed", lambda: True)


class Exports:
    """Answers nothing."""

    def answer(self, request: object) -> Any:
        raise AssertionError(request)


def health() -> Health:
    return healthy(status="critical")


def made(
    description: str, credentials: Path | None = None, *, anybody: bool = False
) -> OtlpService:
    exports: Any = Exports()
    return otlp_service(FakeReactor(), exports, health, description, credentials, anybody=anybody)


class Port:
    """A port that listens."""

    def __init__(self, host: IAddress) -> None:
        self.getHost = lambda: host


def service_at(listened: Deferred[Any]) -> OtlpService:
    """Return the service of an endpoint of which this comes."""
    endpoint: Any = SimpleNamespace(listen=lambda _site: listened)
    access = AccessControl(Resource(), None, None)
    return OtlpService(FakeReactor(), "--otlp", "tcp:4318", endpoint, access, advice=ADVICE)


def status(served: OtlpService, body: bytes = b"", **headers: str) -> int:
    """Return the status of a request for what isn't there."""
    return sent(served.site, "POST", b"/v1/traces", body, **headers).status


def told(served: OtlpService, **headers: str) -> bytes:
    """Return what `/health` says."""
    response = sent(served.site, "GET", b"/health", b"", **headers)
    assert response.status == 503
    return response.body


def test_it_tells_how_the_daemon_is_and_details_on_this_host_or_with_credentials(
    credentials: Path,
) -> None:
    brief = b'{"status":"critical"}'
    assert b'"backends":[' in told(made(LOCAL))
    assert told(made("tcp:0", anybody=True)) == brief
    served = made("tcp:0", credentials)
    assert told(served) == brief
    assert b'"backends":[' in told(served, Authorization=AUTHORIZATION)


@pytest.mark.parametrize("description", [LOCAL, "tcp:0:interface=\\:\\:1", "unix:socket"])
def test_on_this_host_anybody_may_post(
    description: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert status(made(description)) == 404


def test_beyond_it_who_has_the_credentials(credentials: Path) -> None:
    with pytest.raises(ValueError, match="--otlp: tcp:0 can be reached from elsewhere"):
        made("tcp:0")
    assert status(made("tcp:0", anybody=True)) == 404
    served = made("tcp:0", credentials)
    assert status(served) == 401
    assert status(served, Authorization=AUTHORIZATION) == 404
    assert status(served, Authorization=AUTHORIZATION, Host="name-of-a-container") == 404


def test_a_reload_reads_the_credentials_anew(credentials: Path) -> None:
    served = made(LOCAL, credentials)
    verifyObject(IWebService, served)
    credentials.write_text("user:other")
    served.reload(credentials)
    assert status(served, Authorization=AUTHORIZATION) == 401
    credentials.write_text("user:secret")
    served.reload(credentials)
    credentials.write_text("none")
    served.reload(credentials)
    assert status(served, Authorization=AUTHORIZATION) == 404


def test_a_reload_may_name_another_file(credentials: Path) -> None:
    served = made(LOCAL, credentials)
    other = credentials.with_name("other")
    other.write_text("user:other\n")
    other.chmod(0o600)
    served.reload(other)
    assert status(served, Authorization=AUTHORIZATION) == 401


def test_a_reload_without_credentials_asks_for_none() -> None:
    served = made(LOCAL)
    served.reload(None)
    assert status(served) == 404


@pytest.mark.parametrize(
    ("host", "address"),
    [
        (IPv4Address("TCP", "127.0.0.1", 4318), "http://127.0.0.1:4318/v1/metrics"),
        (IPv6Address("TCP", "::1", 1), "http://[::1]:1/v1/metrics"),
        (UNIXAddress("/s"), "UNIXAddress('/s')"),
    ],
)
def test_it_says_what_to_export_to(host: IAddress, address: str) -> None:
    served = service_at(succeed(Port(host)))
    with capturedLogs() as events:
        served.startService()
    assert [formatEvent(event) for event in events] == [f"OTLP metrics are received at {address}"]


def test_where_it_can_t_listen_is_one_line() -> None:
    error = CannotListenError("127.0.0.1", 1, OSError(98, "Address already in use"))
    with pytest.raises(OSError, match=r"^--otlp: can't listen at tcp:4318: .*; give another endp"):
        service_at(fail(error)).startService()


def test_a_body_that_is_too_large_is_rejected() -> None:
    assert status(made(LOCAL), b"a" * (MAX_BODY + 1)) == 413


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otlp_site, "is_installed", lambda: False)
    with pytest.raises(ValueError, match=r"--otlp: .* pip install 'zibrato\[otlp\]'"):
        made(LOCAL)
