"""The environment: each variable holds where nothing is given, and an empty one is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zibrato.client import environment
from zibrato.commands.keygen import make_keys
from zibrato.endpoint import DEFAULT_SOCKET, Endpoint


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOCKET", "LEVEL", "SOURCE", "DISABLED", "CURVE", "ACKNOWLEDGED"):
        monkeypatch.delenv(f"ZIBRATO_{name}", raising=False)


def test_the_socket_given_that_of_the_environment_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert environment.endpoint(None, bind=False) == Endpoint(DEFAULT_SOCKET, connect=True)
    monkeypatch.setenv("ZIBRATO_SOCKET", "")
    assert environment.endpoint("", bind=True) == Endpoint(DEFAULT_SOCKET, connect=False)
    monkeypatch.setenv("ZIBRATO_SOCKET", "ipc:///variable")
    assert environment.endpoint(None, bind=True) == Endpoint("ipc:///variable", connect=False)
    assert environment.endpoint("ipc:///given", bind=False).address == "ipc:///given"
    monkeypatch.setenv("ZIBRATO_SOCKET", "/run/socket")
    with pytest.raises(ValueError, match="socket: expected ipc://PATH"):
        environment.endpoint(None, bind=False)


@pytest.mark.parametrize(
    ("name", "read"), [("LEVEL", environment.level), ("SOURCE", environment.source)]
)
def test_the_level_and_the_source(
    monkeypatch: pytest.MonkeyPatch, name: str, read: Callable[[str | None], object]
) -> None:
    assert read(None) is None
    assert read("given") == "given"
    monkeypatch.setenv(f"ZIBRATO_{name}", "variable")
    assert read(None) == "variable"
    assert read("given") == "given"
    monkeypatch.setenv(f"ZIBRATO_{name}", "")
    assert read(None) is None


@pytest.mark.parametrize("text", ["a\x1b[31m", "a\nb", "\udcff", "x" * 256])
def test_a_source_that_no_daemon_has_either(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ZIBRATO_SOURCE", text)
    with pytest.raises(ValueError, match=r"^\$ZIBRATO_SOURCE: expected at most 255 .*") as caught:
        environment.source(None)
    assert str(caught.value).isprintable()
    assert environment.source("given") == "given"


@pytest.mark.parametrize(("text", "expected"), [("web-1\n", "web-1"), (" ", None), ("é", "é")])
def test_a_source_without_white_space_around_it(
    monkeypatch: pytest.MonkeyPatch, text: str, expected: str | None
) -> None:
    monkeypatch.setenv("ZIBRATO_SOURCE", text)
    assert environment.source(None) == expected


@pytest.mark.parametrize(
    ("value", "disabled"), [(None, False), ("", False), ("0", False), ("1", True), ("no", True)]
)
def test_the_switch(monkeypatch: pytest.MonkeyPatch, value: str | None, disabled: bool) -> None:
    if value is not None:
        monkeypatch.setenv("ZIBRATO_DISABLED", value)
    assert environment.is_disabled() == disabled


def test_the_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_keys(tmp_path, "server")
    make_keys(tmp_path, "web-1")
    assert environment.curve(None) is None
    given = environment.curve(tmp_path)
    assert given is not None
    monkeypatch.setenv("ZIBRATO_CURVE", str(tmp_path))
    assert environment.curve(None) == given
    monkeypatch.setenv("ZIBRATO_CURVE", f"{tmp_path}/none")
    with pytest.raises(ValueError, match=r"^curve: expected one secret key of a client in .*/none"):
        environment.curve(None)
    monkeypatch.setenv("ZIBRATO_DISABLED", "1")
    assert environment.curve(None) is None


def test_the_way_back(monkeypatch: pytest.MonkeyPatch) -> None:
    socket = Endpoint("tcp://127.0.0.1:5550", connect=True)
    derived = Endpoint("tcp://127.0.0.1:5551", connect=True)
    own = Endpoint("ipc:///own", connect=True)
    assert environment.way_back(None, socket) is None
    assert environment.way_back(False, socket) is None
    assert environment.way_back(True, socket) == derived
    assert environment.way_back("ipc:///own", socket) == own
    for variable, expected in (("1", derived), ("0", None), ("", None), ("ipc:///own", own)):
        monkeypatch.setenv("ZIBRATO_ACKNOWLEDGED", variable)
        assert environment.way_back(None, socket) == expected
        assert environment.way_back(False, socket) is None
    assert environment.way_back(True, socket._replace(connect=False)) == derived._replace(
        connect=False
    )


def test_a_way_back_that_there_can_not_be() -> None:
    socket = Endpoint("tcp://127.0.0.1:65535", connect=True)
    with pytest.raises(ValueError, match=r"acknowledged: tcp://.*:65535 has no next port"):
        environment.way_back(True, socket)
    with pytest.raises(ValueError, match="acknowledged: expected ipc://PATH"):
        environment.way_back("yes", socket)
    with pytest.raises(TypeError, match="acknowledged: expected True, False or an endpoint"):
        environment.way_back(1.5, socket)  # type: ignore[arg-type]  # what the test is about
