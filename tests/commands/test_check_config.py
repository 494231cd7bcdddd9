"""`zibrato check-config`: what a file means, or all that is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from zibrato.commands.check_config import main
from zibrato.files.file_lock import FileLock

CHECK = "zibrato check-config:"
CONFIG = """
socket = ["ipc:///run/zibrato", "connect:tcp://127.0.0.1:7"]
statsd = "udp:8125"
levels = "warning+"

[[backend]]
type = "store"
path = "{directory}/store.sqlite"

[[backend]]
type = "librato"
username = "u"
apikey = "verysecret"
levels = "error+"
prefix = "shop."
"""


def run(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    """Return the exit status, and the lines of both streams."""
    status = 0
    try:
        main([str(file)])
    except SystemExit as end:
        if isinstance(end.code, str):  # as the interpreter does
            return 1, end.code.splitlines()
        status = int(end.code or 0)
    output, errors = capsys.readouterr()
    return status, [*output.splitlines(), *errors.splitlines()]


def test_one_line_says_what_it_means_while_a_daemon_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "zibrato.toml"
    file.write_text(CONFIG.format(directory=tmp_path))
    lock = FileLock(tmp_path / "store.sqlite")
    status, lines = run(file, capsys)
    lock.close()
    assert (status, lines) == (
        0,
        [
            f"{file}: takes levels warning,error,critical at ipc:///run/zibrato, "
            "connect:tcp://127.0.0.1:7, udp:127.0.0.1:8125; ships every 10 s to store, "
            "librato (levels=error,critical prefix=shop.)"
        ],
    )
    assert not (tmp_path / "store.sqlite").exists()


def test_every_error_has_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "zibrato.toml"
    file.write_text(f"leves = 'info'\nflush-interval = []\n{CONFIG}".replace("librato", "libato"))
    status, lines = run(file, capsys)
    assert status == 1
    assert [line.partition(str(file))[2][:45] for line in lines] == [
        " can't set 'leves'; did you mean levels?",
        ": flush-interval: expected one value, got a l",
        ": backend 2: type: expected one of graphite, ",
    ]
    assert lines[-1].endswith("got 'libato'; did you mean librato?")


def test_settings_of_backends_and_files_are_checked_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "zibrato.toml"
    wrong = CONFIG.replace("path =", "paht =").replace("username", "usrname")
    file.write_text(f"web-credentials = '/nix/da'\n{wrong}".format(directory=tmp_path))
    status, lines = run(file, capsys)
    assert status == 1
    assert [line.partition(str(file))[2][:45] for line in lines] == [
        ": backend store: expected one of path, max_by",
        ": backend librato: expected one of username, ",
        ": web-credentials: can't read /nix/da: No suc",
    ]
    assert "verysecret" not in str(lines)


def test_two_backends_of_a_file_and_one_of_the_outbox_s_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "zibrato.toml"
    store = "[[backend]]\ntype = 'store'\npath = '{}'\n"
    lines = [store.format(tmp_path / "a"), store.format(tmp_path / "b" / ".." / "a")]
    file.write_text("web = 'none'\n" + "".join(lines))
    status, (line,) = run(file, capsys)
    assert status == 1
    assert line.startswith(f"{CHECK} {file}: backend store: path: another backend of this daemon")
    file.write_text(f"outbox = '{tmp_path / 'a'}'\n{lines[0]}")
    assert run(file, capsys) == (1, [line])
    file.write_text(lines[0])
    assert run(file, capsys)[0] == 0
    assert [*tmp_path.iterdir()] == [file]


def test_an_outbox_that_is_no_file_and_acknowledgements_for_nobody_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "zibrato.toml"
    file.write_text(f"outbox = '{tmp_path}'\n")
    assert run(file, capsys) == (
        1, [f"{CHECK} {file}: outbox: expected a file, got the directory or device {tmp_path}"]
    )  # fmt: skip
    keys = f"curve-keys = '{tmp_path}'\nsocket = 'tcp://%s:1'\nacknowledgements = 'tcp://%s:9'\n"
    for own, back, kind in (("10.0.0.1", "127.0.0.1", "no keys"), ("localhost", "*", "keys")):
        file.write_text(keys % (own, back))
        expected = f"acknowledgements: expected a --socket that asks for {kind}, as tcp://{back}:9 "
        assert run(file, capsys)[1][0].startswith(f"{CHECK} {file}: {expected}")
    file.write_text(keys % ("10.0.0.1", "10.0.0.1"))
    assert "acknowledgements" not in run(file, capsys)[1][0]


def test_pages_that_can_t_be_are_told_once_all_backends_are_good(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "zibrato.toml"
    prometheus = "[[backend]]\ntype = 'prometheus'\n"
    file.write_text(f"web = 'none'\n{prometheus}")
    expected = "backend prometheus: expected a page that can serve /metrics, and only one such"
    status, (line,) = run(file, capsys)
    assert status == 1
    assert line.startswith(f"{CHECK} {file}: {expected}")
    file.write_text(f"{prometheus}[[backend]]\ntype = 'store'\npaht = 'a'\n")
    status, (line,) = run(file, capsys)
    assert status == 1
    assert line.startswith(f"{CHECK} {file}: backend store: expected one of path, ")


def test_what_is_no_user_and_password_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, credentials = tmp_path / "zibrato.toml", tmp_path / "credentials"
    credentials.write_text("verysecret")
    credentials.chmod(0o600)
    file.write_text(f"web-credentials = '{credentials}'\n")
    assert run(file, capsys) == (
        1,
        [
            f"zibrato check-config: {file}: web-credentials: expected one line of user:password in "
            f"{credentials}"
        ],
    )
    credentials.write_text("user:password")
    assert run(file, capsys)[0] == 0


def test_backends_are_called_by_the_names_that_they_were_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "zibrato.toml"
    named = "[[backend]]\ntype = 'log'\npath = '{path}'\nname = '{name}'\n"
    tables = [named.format(path=tmp_path / name, name=name) for name in ("audit", "log")]
    file.write_text("levels = 'info+'\n" + "levels = 'error'\n".join(tables))
    assert run(file, capsys)[1][0].endswith("; ships every 10 s to audit (log levels=error), log")
    file.write_text("".join(reversed(tables)).replace("/log'", "/audit'"))
    status, (line,) = run(file, capsys)
    assert status == 1
    assert line.startswith(f"{CHECK} {file}: backend audit (log): path: another backend of this")


def test_a_file_of_lines_and_none_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "zibrato.conf"
    status, lines = run(file, capsys)
    assert status == 1
    assert lines[0].startswith(f"zibrato check-config: can't read {file}: ")
    file.write_text("[zibrato]\nbackend = memory\nlevels = a,,b\n")
    status, lines = run(file, capsys)
    assert (status, len(lines)) == (1, 1)
    assert lines[0].startswith(f"zibrato check-config: {file}: levels: expected names")
    file.write_text("[zibrato]\nbackend = memory\n")
    assert run(file, capsys)[0] == 0
