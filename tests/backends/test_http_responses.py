"""What a server says of an error, and how long it wants one to wait."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from zibrato.backends.http_responses import MAX_MESSAGE, error_message, scrubbed


class ErrorMessageTests(SynchronousTestCase):
    def test_the_known_shapes(self) -> None:
        for body, text in (
            (
                b'{"errors": {"params": {"name": ["is not present"]}}}',
                "params: name: is not present",
            ),
            (b'{"errors": {"params": {"a": ["b", "c"], "d": "e"}}}', "params: a: b, c, d: e"),
            (b'{"errors": {"request": ["too big", "late"]}}', "request: too big, late"),
            (b'{"errors": {"request": "too big"}}', "request: too big"),
            (b'{"errors": {"system": ["down"]}}', "system: down"),
            (b'{"errors": ["one", "two"]}', "one, two"),
            (b'{"error": "slow down"}', "slow down"),
            (b'{"message": "no"}', "message: no"),
            (b'"no"', "no"),
            (b"Authorization Required\n", "Authorization Required"),
            (b"<h1>Bad\x00\x1b[31m\r\n Request</h1>", "<h1>Bad [31m Request</h1>"),
            (b"\xff", "\ufffd"),
            (b"", ""),
        ):
            self.assertEqual(error_message(body), text)

    def test_deep_nesting_is_no_trouble(self) -> None:
        for depth in (500, 30_000):
            self.assertTrue(error_message(b'{"errors":' * depth + b"1" + b"}" * depth))

    @given(st.binary())
    def test_one_printable_line_of_anything(self, body: bytes) -> None:
        text = error_message(body)
        self.assertTrue(text == "" or text.isprintable())


class ScrubbedTests(SynchronousTestCase):
    def test_no_secret_shows_also_where_the_text_is_cut(self) -> None:
        for room in range(MAX_MESSAGE - 12, MAX_MESSAGE + 1):
            text = scrubbed("x" * room + "the-secret" + "y" * 100, ["the-secret", "x"])
            self.assertNotIn("the", text)
            self.assertEqual(len(text), MAX_MESSAGE + 1)
