"""The page and its files."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from tests.store.web.cases import WebTestCase
from zibrato.store.web.page import STATIC, load_files


class PageTests(WebTestCase):
    """The page's files over HTTP."""

    def test_files_are_checked_anew_each_time(self) -> None:
        status, page = self.ask("GET", "/")
        self.assertEqual((status, b"<!doctype html>" in page.lower()), (200, True))
        (tag,) = self.headers.getRawHeaders("etag")
        self.assertEqual(self.headers.getRawHeaders("cache-control"), ["no-cache"])
        self.assertEqual(self.ask("GET", "/", if_none_match=tag), (304, b""))
        self.assertEqual(self.ask("GET", "/", if_none_match='"another"'), (200, page))

    def test_each_file_has_the_type_that_browsers_ask_for(self) -> None:
        for name, kind in (("index.html", "text/html; charset=utf-8"),
                           ("main.js", "text/javascript; charset=utf-8"),
                           ("theme.css", "text/css; charset=utf-8"),
                           ("icon.svg", "image/svg+xml")):  # fmt: skip
            status, content = self.ask("GET", f"/static/{name}")
            self.assertEqual((status, content), (200, (STATIC / name).read_bytes()))
            self.assertEqual(self.headers.getRawHeaders("content-type"), [kind])

    def test_nothing_else_can_be_had(self) -> None:
        for path in ("/static/..%2fpage.py", "/static/%2e%2e/page.py", "/static/", "/static",
                     "/static//etc/passwd", "/static/vendor", "/static/./main.js",
                     "/static/nix"):  # fmt: skip
            self.assertEqual(self.ask("GET", path)[0], 404, path)


def test_files_are_read_once_with_all_that_is_sent(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "a.js").write_text("1")
    (tmp_path / "b.unknown").write_bytes(b"2")
    files = load_files(tmp_path)
    assert sorted(files) == ["b.unknown", "inner/a.js"]
    (tmp_path / "inner" / "a.js").write_text("changed")
    assert files["inner/a.js"].content == b"1"
    assert files["inner/a.js"].etag == f'"{sha256(b"1").hexdigest()[:32]}"'.encode()
    assert files["b.unknown"].type == b"application/octet-stream"
