"""A page is asked: where it may be, what it may answer, and what is said where it doesn't."""

from __future__ import annotations

import socket
import threading
import time
from base64 import b64encode
from contextlib import suppress
from pathlib import Path

import pytest

from tests.terminal.servers import response, serving
from zibrato.terminal import page as page_module
from zibrato.terminal.page import Page, UnreachableError

WRONG = (
    "", "127.0.0.1:5580", "ftp://x/", "http://", "http://u:p@x/", "http://x:99999/", "unix:",
    "http://x/\r\nA: b", "http://x/ y", "http://x/?q=1", "unix:a\nb", "http://é/",
)  # fmt: skip


@pytest.mark.parametrize("url", WRONG)
def test_a_url_that_is_none(url: str) -> None:
    with pytest.raises(ValueError, match="--url: expected a page such as http") as caught:
        Page(url)
    assert str(caught.value).isprintable()


def test_a_path_below_the_page_s_is_asked_for_with_the_credentials(credentials: Path) -> None:
    with serving(response(b"body")) as server:
        assert Page(f"{server.url}there", credentials).get("health") == b"body"
    (request,) = server.requests
    assert request.startswith(b"GET /there/health HTTP/1.1\r\n")
    assert b"Authorization: Basic " + b64encode(b"user:secret") in request


def test_a_unix_socket_is_asked_as_localhost(tmp_path: Path) -> None:
    path = tmp_path / "web"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        with pytest.raises(UnreachableError, match="Connection refused"):
            Page(f"unix:{path}").get("health")


def test_other_statuses_are_errors_unless_they_are_accepted() -> None:
    with serving(response(b"ill", 503), response(b"ill", 503)) as server:
        page = Page(server.url)
        assert page.get("health", 503) == b"ill"
        with pytest.raises(UnreachableError, match="answers with status 503"):
            page.get("health")


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (401, "asks for credentials: give --web-credentials FILE"),
        (404, "is not a page of this version of Zibrato"),
        (302, "answers with status 302"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, text: str) -> None:
    with serving(response(b"", status)) as server, pytest.raises(UnreachableError, match=text):
        Page(server.url).get("health")


@pytest.mark.parametrize(("status", "text"), [(401, "these are wrong"), (429, "too many wrong")])
def test_wrong_credentials_are_told_from_none(status: int, text: str, credentials: Path) -> None:
    with serving(response(b"", status)) as server, pytest.raises(UnreachableError, match=text):
        Page(server.url, credentials).get("health")


@pytest.mark.parametrize(
    "answer", [b"", b"\x1b[2J\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 999]
)
def test_what_speaks_no_http_is_said_in_a_line_that_can_be_printed(answer: bytes) -> None:
    told = pytest.raises(UnreachableError, match="no page answers at http://")
    with serving(answer) as server, told as caught:
        Page(server.url).get("health")
    assert str(caught.value).isprintable()


def test_a_silent_one_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(UnreachableError, match="timed out"):
            Page(url).get("health")


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_one_that_answers_byte_by_byte_is_not_waited_for(head: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"

        def trickle() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.sendall(head)
                while True:
                    connection.sendall(b"x")
                    time.sleep(0.01)  # so that the line doesn't get too long

        sending = threading.Thread(target=trickle, daemon=True)
        sending.start()
        with pytest.raises(UnreachableError, match="timed out"):
            Page(url).get("health", within=0.1)
        sending.join(10)


def test_more_than_a_bound_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MAX_BODY", 9)
    told = pytest.raises(UnreachableError, match="more than 9 bytes")
    with serving(response(b"x" * 10)) as server, told:
        Page(server.url).get("health")


def test_events_have_a_name_and_data_and_their_end_is_an_error() -> None:
    stream = b"retry: 2000\n\nevent: a\nid: 1\ndata: {}\n\n: still here\n\nevent: b\ndata: []\n\n"
    with serving(response(stream)) as server:
        events = Page(server.url).events()
        assert [next(events) for _ in range(3)] == [("", 0, b""), ("a", 1, b"{}"), ("b", 1, b"[]")]
        with pytest.raises(UnreachableError, match="ended the live events"):
            next(events)


@pytest.mark.parametrize("text", ["no-colon", "user:a\nuser:b"])
def test_a_file_of_credentials_that_are_none(text: str, credentials: Path) -> None:
    credentials.write_text(text)
    with pytest.raises(ValueError, match="--web-credentials: expected one line of user:password"):
        Page("http://127.0.0.1/", credentials)
    with pytest.raises(ValueError, match="--web-credentials: can't read"):
        Page("http://127.0.0.1/", credentials.with_name("none"))
