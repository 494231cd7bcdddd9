"""The environment: each variable holds where nothing is given, and an empty one is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from zibrato.client import environment
from zibrato.endpoint import DEFAULT_SOCKET, Endpoint
from zibrato.keygen import make_keys


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOCKET", "LEVEL", "SOURCE", "DISABLED", "CURVE"):
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
