"""`zibrato top`: what it refuses. That it runs is tested in tests/integration/test_terminal."""

from __future__ import annotations

import pytest

from zibrato.terminal import top

COMMANDS = {
    "--url=x": "--url: expected a page such as http://127.0.0.1:5580/ or unix:PATH, got 'x'",
    "--web-credentials=/nonexistent": "--web-credentials: can't read /nonexistent",
    "--nonsense": "unrecognized arguments: --nonsense",
}
"""Odd command lines."""


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_line_that_can_t_be(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        top.main([line])
    error = capsys.readouterr().err
    assert caught.value.code == 1
    assert error.startswith(f"zibrato top: {COMMANDS[line]}")
    assert error.count("\n") == 1


def test_without_textual_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top, "find_spec", lambda _name: None)
    with pytest.raises(SystemExit) as caught:
        top.main([])
    assert caught.value.code == "zibrato top: needs textual; pip install 'zibrato[top]'"


def test_without_a_terminal_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(top, "find_spec", lambda _name: object())
    with pytest.raises(SystemExit) as caught:
        top.main([])
    assert caught.value.code == "zibrato top: expected a terminal; zibrato status needs none"
