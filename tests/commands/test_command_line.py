"""Arguments of the commands: what is wrong is one line and exit status 1."""

from __future__ import annotations

import pytest

from zibrato.commands.command_line import CommandLine
from zibrato.store import backup, export


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        (export, ["a", "--format=xml"], "argument --format: invalid choice: 'xml'"),
        (export, ["a", "--resolution=fine"], "argument --resolution: invalid int value: 'fine'"),
        (export, ["a", "--shop=x"], "unrecognized arguments: --shop=x"),
        (backup, [], "the following arguments are required: file"),
        (backup, ["a", "b"], "unrecognized arguments: b"),
    ],
)
def test_what_is_wrong_is_one_line(
    module: object, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert module in {export, backup}
    main = export.main if module is export else backup.main
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    error = capsys.readouterr().err
    name = "export" if module is export else "backup"
    assert caught.value.code == 1
    assert error.startswith(f"zibrato {name}: {message}")
    assert error.endswith(f"; see zibrato {name} --help\n")
    assert error.count("\n") == 1


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        CommandLine("shred", "Shreds: `zibrato shred`.").parse_args(["--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith("usage: zibrato shred [-h]\n\nShreds: zibrato shred.")


def test_nobody_s_home_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pathlib.Path.home", lambda: (_ for _ in ()).throw(RuntimeError("none")))
    for main in (export.main, backup.main):
        with pytest.raises(SystemExit, match=r"expected a home directory .*; give --store PATH"):
            main(["a"])
