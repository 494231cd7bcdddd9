"""What the environment says, a client does, unless its arguments say otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from zibrato import Zibrato
from zibrato.testing import Recording, recording
from zibrato.tx.client import TxZibrato

VARIABLES = ("ZIBRATO_SOCKET", "ZIBRATO_LEVEL", "ZIBRATO_SOURCE", "ZIBRATO_DISABLED")


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=[Zibrato, TxZibrato])
def make(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Either client: they read the same variables."""
    client: Callable[..., Any] = request.param
    return client


def recorded_by(client: Any) -> Recording:
    """Return what a measurement of each level leaves."""

    def work() -> None: ...

    counted = client.count_me(name="decorated", level="info")(work)
    with recording(client) as recorded:
        counted()
        for level in ("debug", "info", "error"):
            client.count(name="c", level=level)
    return recorded


def sources(recorded: Recording) -> list[str]:
    return sorted({measurement.source for measurement in recorded.measurements})


def levels(recorded: Recording) -> set[str]:
    return {measurement.level for measurement in recorded.measurements if measurement.name == "c"}


def test_with_no_variable_everything_goes_to_the_default(make: Callable[..., Any]) -> None:
    client = make(linger=0)
    assert client._connection.connector.endpoint.address == "tcp://127.0.0.1:5550"
    recorded = recorded_by(client)
    assert levels(recorded) == {"debug", "info", "error"}
    assert sources(recorded) == [""]
    assert recorded.counted("decorated") == 1


def test_the_socket(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("ZIBRATO_SOCKET", f"ipc://{tmp_path}/environment")
    assert make(linger=0)._connection.connector.endpoint.address == f"ipc://{tmp_path}/environment"
    argument = f"ipc://{tmp_path}/argument"
    assert make(argument, linger=0)._connection.connector.endpoint.address == argument
    monkeypatch.setenv("ZIBRATO_SOCKET", "/run/socket")
    with pytest.raises(ValueError, match="socket: expected ipc://PATH"):
        make()
    monkeypatch.setenv("ZIBRATO_SOCKET", "")
    assert make(linger=0)._connection.connector.endpoint.address == "tcp://127.0.0.1:5550"


def test_the_level(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZIBRATO_LEVEL", "WARN")
    recorded = recorded_by(make(linger=0))
    assert levels(recorded) == {"error"}
    assert recorded.counted("decorated") == 0
    assert levels(recorded_by(make(level="info", linger=0))) == {"info", "error"}
    monkeypatch.setenv("ZIBRATO_LEVEL", "")
    assert levels(recorded_by(make(linger=0))) == {"debug", "info", "error"}
    monkeypatch.setenv("ZIBRATO_LEVEL", "loud")
    with pytest.raises(ValueError, match="level: expected one of debug, info"):
        make()


def test_a_function_below_the_level_is_left_as_it_is(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZIBRATO_LEVEL", "30")
    client = make(linger=0)

    def work() -> None: ...

    assert client.time_me(level="debug", name="t")(work) is work
    assert client.time_me(level="warning", name="t")(work) is not work


def test_the_source(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZIBRATO_SOURCE", "environment")
    assert sources(recorded_by(make(linger=0))) == ["environment"]
    client = make(source="argument", linger=0)
    with recording(client) as recorded:
        client.count("c")
        client.count("c", source="instrument")
    assert sources(recorded) == ["argument", "instrument"]
    monkeypatch.setenv("ZIBRATO_SOURCE", "a\x1b[31m")
    with pytest.raises(ValueError, match="ZIBRATO_SOURCE: expected at most 255"):
        make()


@pytest.mark.parametrize(
    ("value", "on"), [("1", False), ("yes", False), ("true", False), ("0", True), ("", True)]
)
def test_the_switch(
    make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, value: str, on: bool
) -> None:
    monkeypatch.setenv("ZIBRATO_DISABLED", value)
    client = make(linger=0)

    def work() -> None: ...

    instrumented = client.count_me(name="c")(work)
    set_depth = client.bind_gauge("g")
    monkeypatch.delenv("ZIBRATO_DISABLED")
    assert (instrumented is not work) == on
    with recording(client) as recorded:
        instrumented()
        set_depth(3)
        client.timing("t", 0.5)
        with client.Time_me(name="b"), client.Count_me(name="b"):
            pass
    assert bool(recorded.measurements) == on
    assert client.dropped == {}
