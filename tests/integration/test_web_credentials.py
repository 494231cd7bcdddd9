"""The page's credentials, in a daemon that runs: read anew on HUP, and wrong ones are logged."""

from __future__ import annotations

import signal
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from itertools import takewhile
from pathlib import Path

import pytest

from tests.integration.processes import DEADLINE, Process, daemon, eventually

OLD, NEW = "user:the-old-password", "user:the-new-password"


def status(url: str, credentials: str) -> int:
    """Return the status of a request with these credentials."""
    token = b64encode(credentials.encode()).decode()
    request = urllib.request.Request(url, headers={"Authorization": f"Basic {token}"})
    try:
        with urllib.request.urlopen(request) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The file of credentials."""
    made = tmp_path / "credentials"
    made.touch(0o600)
    made.write_text(OLD)
    return made


@pytest.fixture
def process(file: Path, tmp_path: Path) -> Iterator[Process]:
    """A daemon with a page that asks for them."""
    options = ("--socket", f"ipc://{tmp_path}/socket", "--store", f"{tmp_path}/store",
               "--web", "tcp:0:interface=127.0.0.1", "--web-credentials", str(file))  # fmt: skip
    with daemon(*options) as made:
        yield made


@pytest.fixture
def url(process: Process) -> str:
    return process.wait_for(r"the page is at (\S+)")[1]


def reload(process: Process, line: str = "reloaded$") -> None:
    """Have the daemon reload, and wait for a line that says so."""
    process.send(signal.SIGHUP)
    process.wait_for(line)


def test_hup_reads_them_anew(process: Process, url: str, file: Path) -> None:
    assert (status(url, OLD), status(url, NEW)) == (200, 401)
    file.write_text(NEW)
    reload(process)
    assert (status(url, OLD), status(url, NEW)) == (401, 200)
    process.stop()
    output = process.output.replace("user name or password", "").replace("user and password of", "")
    assert "password" not in output


def test_what_is_wrong_then_leaves_the_old_ones(process: Process, url: str, file: Path) -> None:
    file.write_text("nonsense")
    reload(process, "nothing reloaded: --web-credentials: expected one line of user:password")
    assert (status(url, OLD), status(url, "nonsense:")) == (200, 401)
    file.write_text(NEW)
    file.chmod(0o666)
    reload(process, "nothing reloaded: --web-credentials: others may write to ")
    assert (status(url, OLD), status(url, NEW)) == (200, 401)


def test_wrong_ones_are_logged_once(process: Process, url: str) -> None:
    assert {status(url, NEW) for _ in range(20)} == {401}
    process.wait_for("rejected 1 requests with a wrong user name or password, the last from 127")
    assert process.output.count("with a wrong user name") == 1


def test_a_file_that_others_may_read_is_warned_of(process: Process, url: str, file: Path) -> None:
    assert "others may read" not in process.output
    file.chmod(0o640)
    reload(process, f"--web-credentials: others may read {file}; chmod it to 600")


@pytest.mark.attack("passwords that are guessed", before="each guess was answered at once")
def test_who_guesses_has_to_wait_and_nobody_else(url: str) -> None:
    def answer(credentials: str, address: str = "127.0.0.1") -> tuple[int, str | None]:
        """Return the status of a request from an address of this host, and how long to wait."""
        host, _, port = url.split("/")[2].partition(":")
        token = b64encode(credentials.encode()).decode()
        connection = HTTPConnection(host, int(port), DEADLINE, source_address=(address, 0))
        with closing(connection):
            connection.request("GET", "/", headers={"Authorization": f"Basic {token}"})
            response = connection.getresponse()
            return response.status, response.getheader("Retry-After")

    guesses = (answer(f"user:guess-{number}") for number in range(20))
    statuses = [*takewhile(lambda status: status != 429, (status for status, _ in guesses))]
    assert set(statuses) == {401}
    assert 5 <= len(statuses) < 20
    wait = answer("user:another-guess")[1]
    assert wait is None or int(wait) > 0  # None where this machine took longer than that
    assert answer(OLD, "127.0.0.2")[0] == 200
    eventually(lambda: answer(OLD)[0] == 200)
