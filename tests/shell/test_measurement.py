"""What a command line measures: read strictly, sent by a client that waits only so long."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from zibrato.shell import measurement


@pytest.mark.parametrize(
    ("read", "given", "meant"),
    [
        (measurement.number, "-3", -3.0),
        (measurement.number, "1e3", 1000.0),
        (measurement.tag, "status=a=b", ("status", "a=b")),
        (measurement.text, "shop.pages é", "shop.pages é"),
        (measurement.socket, "tcp://127.0.0.1:5550", "tcp://127.0.0.1:5550"),
    ],
)
def test_what_is_read(read: Callable[[str], object], given: str, meant: object) -> None:
    assert read(given) == meant


@pytest.mark.parametrize(
    ("read", "wrong"),
    [
        *((measurement.number, text) for text in ("", "nan", "1e999", "1_0", "٣", "0x1", " 1")),
        *((measurement.tag, text) for text in ("", "a", "=", "=v", "a=", "a=\n")),
        *((measurement.text, text) for text in ("", "x" * 256, "a\x1b[31m", "\udcff")),
        *((measurement.socket, text) for text in ("", "5550", "tcp://127.0.0.1:99999")),
    ],
)
def test_what_is_rejected(read: Callable[[str], object], wrong: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected ") as caught:
        read(wrong)
    assert "\n" not in str(caught.value)


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    measurement.add_options(parser)
    return parser.parse_args(arguments)


def test_what_went_wrong_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "PATIENCE", 0.01)
    here = f"ipc://{tmp_path}/socket"
    wrong = measurement.send(options("jobs", "--socket", here), "counter", 1)
    assert wrong == (
        f"no daemon at {here} took it within 0.01 s; is one running? --socket names another"
    )


def test_an_environment_that_can_t_be_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZIBRATO_SOCKET", "5550")
    assert measurement.send(options("jobs"), "counter", 1).startswith("socket: expected ipc://")


def test_nothing_is_sent_where_zibrato_is_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZIBRATO_DISABLED", "1")
    assert measurement.send(options("jobs", "--socket", "ipc:///nowhere"), "counter", 1) == ""
