"""Options: what is taken, from where, and one clear line for what is not."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from twisted.python.usage import UsageError

from zibrato.daemon.options import Options
from zibrato.daemon.settings import Settings
from zibrato.endpoint import Endpoint
from zibrato.levels import LevelFilter


def settings(*arguments: str, **environment: str) -> Settings:
    options = Options(environment)
    options.parseOptions(arguments)
    return options.settings


def test_without_options_everything_has_a_default() -> None:
    parsed = settings()
    assert parsed.endpoints == (Endpoint("tcp://127.0.0.1:5550"),)
    assert parsed.flush_interval == 10
    assert parsed.percentiles == (50, 95, 99)
    assert parsed.levels == LevelFilter()
    assert parsed.max_series == 100_000
    assert parsed.ipc_mode == 0o660
    assert parsed.source == socket.gethostname()
    assert [choice.maker.name for choice in parsed.backends] == ["store"]
    assert parsed.web == "tcp:5580:interface=127.0.0.1"


def test_the_historical_options_choose_librato() -> None:
    (choice,) = settings("--username", "u", "--apikey", "k").backends
    assert choice.maker.name == "librato"
    assert choice.settings == {
        "username": "u",
        "apikey": "k",
        "hostname": "metrics-api.librato.com",
        "apipath": "/v1/",
    }


def test_sockets_and_backends_may_be_repeated() -> None:
    parsed = settings(
        "--socket", "ipc:///a", "--socket", "connect:tcp://host:1", "--insecure-tcp",
        "--backend", "memory:levels=warning+", "--backend", "log:path=/x:y,z",
    )  # fmt: skip
    assert parsed.endpoints == (Endpoint("ipc:///a"), Endpoint("tcp://host:1", connect=True))
    assert [(choice.maker.name, dict(choice.settings)) for choice in parsed.backends] == [
        ("memory", {}),
        ("log", {"path": "/x:y,z"}),
    ]
    assert parsed.backends[0].filter.levels == LevelFilter.parse("warning+")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--flush-interval", "10s"],
            "--flush-interval: expected seconds from 0.1 to 86,400, got '10s'",
        ),
        (["--flush-interval", "0"], "--flush-interval: expected seconds from 0.1 to 86,400"),
        (["--flush-interval", "inf"], "--flush-interval: expected seconds from 0.1 to 86,400"),
        (["--stop-timeout", "nan"], "--stop-timeout: expected seconds from 0.1 to 86,400"),
        (["--max-series", "-1"], "--max-series: expected a whole number from 1 to"),
        (["--percentiles", "0"], "--percentiles: expected numbers from 1 to 100"),
        (["--percentiles", "p50"], "--percentiles: expected numbers from 1 to 100"),
        (["--levels", "warning++"], "--levels: expected names such as info,error"),
        (["--levels", "mine+"], "--levels: expected names such as info,error"),
        (["--ipc-mode", "rw"], "--ipc-mode: expected permissions to write in octal"),
        (["--socket", "5550"], "--socket: expected ipc://PATH, tcp://HOST:PORT"),
        (["--backend", "nix"], "--backend: expected one of "),
        (["--backend", "log:levels=a,,b"], "--backend log: levels: expected names"),
        (["--username", "u"], "--username: an API key is needed too; give --apikey-file"),
        (["--apikey", "k"], "--apikey: a user name is needed too"),
        (["--apikey-file", "/nix/da"], "--apikey-file: can't read /nix/da: No such file"),
        (["--config", "/nix/da"], "--config: can't read /nix/da: No such file or directory"),
        (["--nonsense"], "option --nonsense not recognized; see --help"),
        (["stray"], "expected options only, got 'stray'; see --help"),
    ],
)
def test_what_is_wrong_is_named(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings(*arguments)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_no_percentiles_are_fine() -> None:
    assert settings("--percentiles", "").percentiles == ()


def apikey(*arguments: str, **environment: str) -> str:
    (choice,) = settings("--username", "u", *arguments, **environment).backends
    return choice.settings["apikey"]


def test_the_api_key_comes_from_the_most_explicit_place(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("from-file\n")
    (tmp_path / "apikey").write_text("from-credential")
    everywhere = {"CREDENTIALS_DIRECTORY": str(tmp_path), "ZIBRATO_APIKEY": "from-environment"}
    assert apikey(ZIBRATO_APIKEY="from-environment") == "from-environment"
    assert apikey(**everywhere) == "from-credential"
    assert apikey("--apikey-file", str(file), **everywhere) == "from-file"
    assert apikey("--apikey-file", str(file), "--apikey", "k", **everywhere) == "k"


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("\n")
    with pytest.raises(UsageError, match="is empty; it must hold the API key"):
        apikey("--apikey-file", str(file))


def test_the_command_line_wins_over_the_file_and_lists_add_up(tmp_path: Path) -> None:
    file = tmp_path / "zibrato.conf"
    file.write_text(
        "[zibrato]\nlevels = info,error\nflush-interval = 3\nsource = my box\n"
        "socket = ipc:///a\n    ipc:///b\n"
    )
    parsed = settings("--config", str(file), "--flush-interval=5", "--socket", "ipc:///c")
    assert parsed.levels == LevelFilter.parse("info,error")
    assert parsed.flush_interval == 5
    assert parsed.source == "my box"
    assert [endpoint.address for endpoint in parsed.endpoints] == [
        "ipc:///a",
        "ipc:///b",
        "ipc:///c",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("levels = info", "can't read .*; it must be a file of NAME = VALUE lines"),
        ("[other]\nlevels=info", "can't read .*; it must be a file of NAME = VALUE lines"),
        ("[zibrato]\nnonsense=1", "can't set 'nonsense'; see --help"),
        ("[zibrato]\nconfig=x", "can't set 'config'; see --help"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "zibrato.conf"
    file.write_text(text)
    with pytest.raises(UsageError, match=f"--config: .*{message}"):
        settings(f"--config={file}")


def test_a_file_is_never_passed_over_in_silence(tmp_path: Path) -> None:
    file = tmp_path / "zibrato.conf"
    file.write_text("[zibrato]\nlevels = info\n")
    for arguments in ([f"-c{file}"], ["--conf", str(file)], ["-c", str(file), "-c", "other"]):
        with pytest.raises(UsageError, match="--config: expected it once"):
            settings(*arguments)


def test_a_list_may_begin_on_a_line_of_its_own_and_repeat(tmp_path: Path) -> None:
    file = tmp_path / "zibrato.conf"
    file.write_text("[zibrato]\nsocket =\n    ipc:///a\n\n    ipc:///b\n")
    parsed = settings("--config", str(file), "--socket", "ipc:///a")
    assert [endpoint.address for endpoint in parsed.endpoints] == ["ipc:///a", "ipc:///b"]


def test_reread_sees_what_changed(tmp_path: Path) -> None:
    file = tmp_path / "zibrato.conf"
    file.write_text("[zibrato]\nlevels = info\n")
    options = Options({})
    options.parseOptions(["-c", str(file)])
    file.write_text("[zibrato]\nlevels = error\n")
    assert options.settings.levels == LevelFilter.parse("info")
    assert options.reread().settings.levels == LevelFilter.parse("error")


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    from zibrato import __version__

    with pytest.raises(SystemExit):
        settings("--version")
    assert capsys.readouterr().out == f"zibrato {__version__}\n"


def test_the_key_shows_in_no_repr() -> None:
    options = Options({})
    options.parseOptions(["--username", "u", "--apikey", "verysecret"])
    assert "verysecret" not in repr(options.settings)
    assert "verysecret" not in repr(options)


BEYOND = "is beyond loopback, where anybody could send; give --curve-keys DIR, as zibrato keygen "


@pytest.mark.parametrize(
    "address",
    ["tcp://*:1", "tcp://0.0.0.0:*", "tcp://[::]:1", "tcp://10.0.0.1:1", "tcp://eth0:1",
     "connect:tcp://host:1", "connect:tcp://127.0.0.1:0;10.0.0.1:1"],
)  # fmt: skip
def test_beyond_loopback_keys_are_needed_or_that_it_is_meant(address: str, tmp_path: Path) -> None:
    sockets = ("--socket", "ipc:///a", "--socket", address)
    with pytest.raises(UsageError, match=f"^--socket: tcp://.* {BEYOND}makes it, or --insecure"):
        settings(*sockets)
    assert settings(*sockets, "--insecure-tcp").insecure_tcp
    assert settings(*sockets, "--curve-keys", str(tmp_path)).curve_keys == tmp_path
    with pytest.raises(UsageError, match=r"^--insecure-tcp: expected it without --curve-keys"):
        settings(*sockets, "--insecure-tcp", "--curve-keys", str(tmp_path))


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:1", "tcp://127.1.2.3:*", "tcp://[::1]:1", "ipc:///a", "inproc://a"]
)
def test_on_this_host_they_are_not(address: str) -> None:
    assert settings("--socket", address).endpoints == (Endpoint(address),)


def test_a_flag_stands_in_a_file_as_yes_or_no(tmp_path: Path) -> None:
    file = tmp_path / "zibrato.conf"
    for word, expected in (("yes", True), ("no", False)):
        file.write_text(f"[zibrato]\ninsecure-tcp = {word}\n")
        assert settings("--config", str(file)).insecure_tcp == expected
    file.write_text("[zibrato]\ninsecure-tcp = 1\n")
    with pytest.raises(UsageError, match=r"insecure-tcp: expected yes or no$"):
        settings("--config", str(file))


def test_a_directory_of_keys_is_found_from_where_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = Options({})
    options.parseOptions(["--curve-keys", "keys"])
    assert options.settings.curve_keys == tmp_path / "keys"
    assert options.has_files
    with pytest.raises(UsageError, match="--curve-keys: expected the name of a directory, got ''"):
        settings("--curve-keys", "")


@pytest.mark.parametrize(
    ("sockets", "own", "kind"),
    [
        (("ipc:///a", "tcp://127.0.0.1:*"), "tcp://0.0.0.0:1", "keys"),
        (("tcp://0.0.0.0:*",), "ipc:///own", "no keys"),
    ],
)
def test_acknowledgements_go_to_clients_that_there_are(
    sockets: tuple[str, ...], own: str, kind: str
) -> None:
    given = [f"--socket={socket}" for socket in sockets]
    with pytest.raises(UsageError) as caught:
        settings("--curve-keys=keys", f"--acknowledgements={own}", *given)
    assert str(caught.value) == (
        f"--acknowledgements: expected a --socket that asks for {kind}, as {own} does, got none; "
        "give one, or another endpoint, or none"
    )
