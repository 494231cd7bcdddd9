"""Odd command lines: each is one line that names the option, or a daemon that works.

The lines are handed to the daemon's options and made into a service in this process; a handful go
through real processes in tests/integration/test_refusals. Those of commands that record are in
tests/shell/test_command_lines, of those that watch in tests/terminal/test_status and test_top.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from twisted.python.usage import UsageError

from tests.addresses import SOCKETS, STATSD, TEXT, WEB
from tests.ports import free_port
from zibrato.daemon.config_file import MAX_CONFIG
from zibrato.service import Options, make_service

LOCAL = "tcp:0:interface=127.0.0.1"
SECONDS = "expected seconds from 0.1 to 86,400, got "
COUNT = "expected a whole number from 1 to "
CONFIG = "--config: can't read "
FILE = "expected the name of a file, got ''; leave it out"
ACCOUNT = "--username=u --apikey=k"

VALUES = {
    "--flush-interval=1e-320": f"--flush-interval: {SECONDS}'1e-320'; write 10 for ten seconds",
    "--flush-interval=1e308": f"--flush-interval: {SECONDS}",
    "--flush-interval=86401": f"--flush-interval: {SECONDS}",
    "--flush-interval=": f"--flush-interval: {SECONDS}''",
    "--flush-interval=1_0": f"--flush-interval: {SECONDS}",
    "--flush-interval=٣": f"--flush-interval: {SECONDS}",
    "--stop-timeout=-0": f"--stop-timeout: {SECONDS}",
    "--stop-timeout=1e308": f"--stop-timeout: {SECONDS}",
    "--max-series=٣": f"--max-series: {COUNT}",
    f"--max-series={'9' * 5000}": f"--max-series: {COUNT}",
    "--outbox-size=1023K": "--outbox-size: expected bytes from 1M to 128T such as 8G, got '1023K'",
    "--outbox-size=٣G": "--outbox-size: expected bytes from 1M to 128T",
    "--outbox-age=30s": "--outbox-age: expected a time from 1m to 1y such as 12h or 7d, got '30s'",
    "--outbox-age=": "--outbox-age: expected a time from 1m to 1y",
    "--outbox=": "--outbox: expected the name of a file, or none, got ''",
    "--max-stored-series=1_000": f"--max-stored-series: {COUNT}",
    "--percentiles=50,1_0": "--percentiles: expected numbers from 1 to 100",
    "--ipc-mode=000": "--ipc-mode: expected permissions to write in octal such as 660",
    "--source=\udcff": f"--source: {TEXT}",
    "--source=a\x1b[31m": f"--source: {TEXT}",
    f"--source={'x' * 256}": "--source: expected a name of 1 to 255 characters",
    "--levels=info,,error": "--levels: expected names such as info,error",
    "--otlp=tcp": "--otlp: expected a Twisted endpoint such as tcp:4318:interface=127.0.0.1, got",
    "--otlp=http://127.0.0.1:4318": "--otlp: expected a Twisted endpoint such as tcp:4318:",
    "--otlp=tcp:0\0": f"--otlp: {TEXT}",
    "--otlp=tcp:0": "--otlp: tcp:0 can be reached from elsewhere: give --web-credentials FILE",
    "--otlp=unix:file": "--otlp: can't listen at unix:file: there is a file; give another end",
    f"--otlp={LOCAL} --web-credentials=file": "--web-credentials: expected one line of user:pa",
    "--config=": f"--config: {FILE}",
    "--config=directory": f"{CONFIG}HERE/directory: it is a directory, not a file; it must",
    "--config=/nonexistent": f"{CONFIG}/nonexistent: No such file or directory",
    "--config=/dev/zero": f"{CONFIG}/dev/zero: it is a device, not a file; it must be",
    "--config=huge": f"{CONFIG}HERE/huge: it has more than 1,048,576 bytes",
    "--config=binary": f"{CONFIG}HERE/binary: 'utf-8' codec can't decode",
    "--config=file\0": f"{CONFIG}HERE/file\\x00: ",
    "--config=nul": f"--config: HERE/nul: source: {TEXT}",
    "--config=two-lines": "--config: HERE/two-lines gives flush-interval 2 lines; expected one",
    "--config=empty-value": f"--config: HERE/empty-value: flush-interval: {SECONDS}''",
    "--config=misspelt": "--config: HERE/misspelt can't set 'flush-intervall'; did you mean flus",
    "--web-credentials=/nonexistent": "--web-credentials: can't read /nonexistent: No such",
    "--web-credentials=": f"--web-credentials: {FILE}",
    "--web-credentials=/dev/zero": "--web-credentials: can't read /dev/zero: it is a device",
    "--apikey-file=": f"--apikey-file: {FILE}",
    "--flsh-interval=3": "option --flsh-interval not recognized; did you mean --flush-interval?",
    "--nonsense": "option --nonsense not recognized; see --help",
    "--sto=x": "option --sto not a unique prefix; did you mean --store?",
}
"""Other options of a daemon with the backend memory."""

BACKENDS = {
    "--store=/dev/null": "--backend store: expected a file, got the device or pipe /dev/null",
    "--store=directory": "--backend store: expected a file, got the directory ",
    f"--store={'x' * 300}": "--backend store: can't use HERE/xxx",
    "--store=a\0b": f"--store: {TEXT}",
    "--store=a --backend=store:path=a --backend=store:path=./a": "--backend store: path: another",
    "--backend=log:path=a --backend=store:path=a": "--backend store: path: another backend of",
    "--backend=log:path=a --backend=log:path=./a": "--backend log: path: another backend of",
    "--backend=stor": "--backend: expected one of graphite, ",
    "--backend=store:a": "--backend store: expected key=value behind the colon; see --help-back",
    "--backend=store:pth=a": "--backend store: expected one of path, max_bytes, retention, max_st",
    "--backend=store:path=a:path=b": "--backend store: expected each setting once; leave one out",
    "--backend=store:max_bytes=٣M": "--backend store: max_bytes: expected bytes from 1M to 128T",
    "--backend=store:max_bytes=9999T": "--backend store: max_bytes: expected bytes from 1M to 128",
    "--backend=store:max_stored_series=٣": "--backend store: max_stored_series: expected a whole",
    f"--backend=store:retention=raw:{'9' * 99}d": "--backend store: retention: expected times",
    "--backend=log:path=": "--backend log: path: expected a file in a directory that exists",
    "--username=u:v --apikey=k": "--backend librato: username: expected no colon, got 'u:v'",
    "--username=u --apikey=k\udcff": f"--apikey: {TEXT}; write it again",
    f"{ACCOUNT} --hostname=http://x:99999": "--backend librato: hostname: expected NAME",
    f"{ACCOUNT} --hostname=x\0": f"--hostname: {TEXT}",
}
"""Backends, without a page."""

ACCEPTED = (
    "--otlp=none",
    "--otlp=",
    "",
    "--flush-interval=0.1 --stop-timeout=86400",
    "--flush-interval=86400",
    "--flush-interval=5 --flush-interval=6",
    "--max-series=1000000000 --percentiles=",
    "--source=é",
    "--source=",
    "--ipc-mode=0660 --socket=ipc://a",
    "--socket=ipc://a --socket=ipc://a --socket=ipc://b",
    "--socket=ipc://a --socket=connect:ipc://b --socket=inproc://c --socket=ipc://@abstract",
    "--socket=tcp://127.0.0.1:* --socket=tcp://127.0.0.1:* --socket=tcp://*:0 --insecure-tcp",
    "--socket=connect:tcp://nosuch.invalid:1 --insecure-tcp",
    "--statsd=udp:0 --statsd=tcp:0 --statsd=udp:[::1]:0 --statsd=udp:0.0.0.0:0 --statsd-level=10",
    "--statsd=unix:a --statsd=unix:a --statsd=unixgram:b",
    "--config=file",
    "--config=bom",
    "--web-credentials=credentials",
    "--backend=log",
    "--outbox=a --outbox-size=500M --outbox-age=12h",
    "--backend=log:path=a --backend=store:path=b --web=none",
    "--backend=log:path=/dev/null --backend=log:path=/dev/null:levels=error",
    "--backend=store:max_bytes=1M:retention=raw:2d,60s:2w --web=none",
    f"--store=a --web={LOCAL} --web-credentials=credentials",
    "--store=a --web=tcp:0 --web-credentials=credentials",
    "--store=a --web=unix:web",
    "--store=a --web=",
    "--store=:memory: --web=none",
    f"{ACCOUNT} --hostname=http://127.0.0.1:1 --apipath=/",
    "--stor=a --web=none",
)
"""What goes on working."""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with what the command lines name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "directory").mkdir()
    for name, content in {
        "file": b"[zibrato]\nlevels = info\n",
        "bom": b"\xef\xbb\xbf[zibrato]\nlevels = info\n",
        "huge": b"[zibrato]\n#" + b"x" * MAX_CONFIG,
        "binary": b"\xff\xfe",
        "nul": b"[zibrato]\nsource = a\0b\n",
        "two-lines": b"[zibrato]\nflush-interval = 1\n  2\n",
        "empty-value": b"[zibrato]\nflush-interval =\n",
        "misspelt": b"[zibrato]\nflush-intervall = 1\n",
        "credentials": b"user:password\n",
    }.items():
        (tmp_path / name).write_bytes(content)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def run(line: str) -> None:
    """Make a daemon of a command line, which has no quotes: white space parts its arguments."""
    environment = {"XDG_STATE_HOME": os.getcwd()}
    options = Options(environment)
    arguments: Sequence[str] = [*line.replace(" --", "\n--").split("\n")] if line else []
    options.parseOptions(arguments)
    make_service(options)


def check(line: str, expected: str) -> None:
    with pytest.raises(UsageError) as caught:
        run(line)
    text = str(caught.value)
    assert text.replace("\0", "\\x00").startswith(expected.replace("HERE", os.getcwd()))
    assert "\n" not in text


@pytest.mark.parametrize("endpoint", WEB)
@pytest.mark.attack("odd --web", before="tracebacks, or a daemon without its page")
def test_a_page_that_can_t_be(endpoint: str, here: Path, taken: int) -> None:
    given = endpoint.replace("PORT", str(taken))
    check(f"--socket=tcp://127.0.0.1:* --store=s --web={given}", WEB[endpoint])


@pytest.mark.parametrize("endpoint", SOCKETS)
@pytest.mark.attack("odd --socket", before="port 99999 was 34463, a file was replaced")
def test_a_socket_that_can_t_be(endpoint: str, here: Path, taken: int) -> None:
    given = endpoint.replace("PORT", str(taken)).replace("FREE", str(free_port()))
    check(f"--backend=memory --socket={given.replace('HERE', str(here))}", SOCKETS[endpoint])
    assert (here / "file").exists()


@pytest.mark.parametrize("address", STATSD)
@pytest.mark.attack("odd --statsd", before="no such option")
def test_an_address_for_lines_that_can_t_be(address: str, here: Path, taken: int) -> None:
    given = address.replace("PORT", str(taken)).replace("FREE", str(free_port()))
    check(f"--backend=memory --socket=tcp://127.0.0.1:* --statsd={given}", STATSD[address])
    assert (here / "file").exists()


@pytest.mark.parametrize("line", VALUES)
@pytest.mark.attack("odd values of other options", before="tracebacks, or a daemon that was broken")
def test_a_value_that_can_t_be(line: str, here: Path) -> None:
    check(f"--backend=memory --socket=tcp://127.0.0.1:* {line}", VALUES[line])


@pytest.mark.parametrize("line", BACKENDS)
@pytest.mark.attack("odd --backend", before="tracebacks, or a daemon that was broken")
def test_a_backend_that_can_t_be(line: str, here: Path) -> None:
    check(f"--web=none --socket=tcp://127.0.0.1:* {line}", BACKENDS[line])


@pytest.mark.parametrize("line", ACCEPTED)
def test_what_goes_on_working(line: str, here: Path) -> None:
    backend = not any(name in line for name in ("--stor", "--backend", "--username"))
    run(" ".join(("--socket=tcp://127.0.0.1:*", *["--backend=memory"] * backend, line)).strip())
