"""`zibrato send`: what it hands on, and its exit status.

Wrong arguments are in test_command_lines.py, a real daemon in tests/integration/test_shell.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from zibrato.shell import measurement, send

Sent = list[tuple[str, str, float, Mapping[str, str] | None]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    calls: Sent = []

    def note(options: Any, kind: str, value: float, tags: Any = None) -> str:
        calls.append((kind, options.name, value, tags))
        return ""

    monkeypatch.setattr(measurement, "send", note)
    return calls


@pytest.mark.parametrize(
    ("line", "measured"),
    [
        ("counter deploys", ("counter", "deploys", 1, None)),
        ("counter deploys 0", ("counter", "deploys", 0, None)),
        ("counter deploys -5 --level info", ("counter", "deploys", -5, None)),
        ("gauge balance -1.5e-05", ("gauge", "balance", -1.5e-05, None)),
        ("timer build 12.5 --tag branch=main", ("timer", "build", 12.5, None)),
        ("gauge disk.free 1e9 --source db-1", ("gauge", "disk.free", 1e9, None)),
    ],
)
def test_it_sends_what_it_says(line: str, measured: tuple[object, ...], sent: Sent) -> None:
    send.main(line.split())
    assert sent == [measured]


def test_what_went_wrong_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurement, "send", lambda *_: "nobody is there")
    with pytest.raises(SystemExit) as caught:
        send.main(["counter", "deploys"])
    assert caught.value.code == "zibrato send: nobody is there"
