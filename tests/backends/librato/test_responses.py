"""Which answers are final, which mean later, and how much later."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from zibrato.backends.http_responses import MAX_WAIT, SLOW, Response
from zibrato.backends.librato.responses import classify
from zibrato.backends.posting import Verdict
from zibrato.interfaces import RetryLater

NOW = 1_700_000_000.0


def response(status: int, body: bytes = b"", /, **headers: Any) -> Response:
    fields = Headers()
    for name, value in headers.items():
        raw = value.encode() if isinstance(value, str) else value
        fields.addRawHeader(name.replace("_", "-").encode(), raw)
    return Response(status, fields, body)


class ClassifyTests(SynchronousTestCase):
    def retry(self, answer: Response) -> RetryLater:
        try:
            rejection = classify(answer, NOW)
        except RetryLater as retry:
            return retry
        raise self.failureException(f"classified as final: {rejection}")

    def test_success(self) -> None:
        for status in (200, 201, 202, 204):
            self.assertEqual(classify(response(status, b"whatever"), NOW), Verdict())

    def test_a_part_of_an_accepted_request_may_be_rejected(self) -> None:
        for body, expected in (
            (b'{"errors": ["a", "b"]}', Verdict(None, 2, "a, b")),
            (b'{"errors": {"params": {"name": ["a"]}}}', Verdict(None, 1, "params: name: a")),
            (
                b'{"measurements": {"summary": {"total": 9, "accepted": 4}}, "errors": ["a"]}',
                Verdict(None, 5, "a"),
            ),
            (b'{"errors": []}', Verdict()),
            (b'{"errors": null}', Verdict()),
            (b"[" * 9999, Verdict()),
        ):
            self.assertEqual(classify(response(202, body), NOW), expected)

    def test_rejections(self) -> None:
        for status in (400, 409, 413, 415, 418, 422):
            rejection = classify(
                response(status, b'{"errors": {"params": {"name": ["is bad"]}}}'), NOW
            )
            self.assertEqual(rejection, Verdict(f"{status} params: name: is bad"))
        self.assertEqual(classify(response(400), NOW), Verdict("400"))

    def test_the_server_s_trouble_passes(self) -> None:
        for status in (408, 425, 500, 502, 503, 504, 599):
            retry = self.retry(response(status, b"a page"))
            self.assertEqual(retry.reason, f"the server answered {status}")
            self.assertEqual(retry.after, 0)

    def test_people_have_to_mend_the_account_or_the_address(self) -> None:
        for status, word in (
            (401, "API key"),
            (402, "account"),
            (407, "proxy"),
            (302, "hostname"),
            (404, "apipath"),
            (405, "apipath"),
        ):
            retry = self.retry(response(status, b"a page"))
            self.assertIn(str(status), retry.reason)
            self.assertIn(word, retry.reason)
            self.assertEqual(retry.after, SLOW)

    def test_a_rate_limit_says_until_when(self) -> None:
        limit = f"limit=60,remaining=0,reset={NOW + 42:.0f}"
        for name in ("X_Librato_RateLimit_Agg", "X_Librato_RateLimit_Std"):
            for status in (403, 429):
                self.assertEqual(self.retry(response(status, **{name: limit})).after, 42)

    def test_a_rate_limit_that_says_no_more_than_until_when(self) -> None:
        limit = f"reset={NOW + 42:.0f}"
        self.assertEqual(self.retry(response(429, X_Librato_RateLimit_Agg=limit)).after, 42)

    def test_only_the_limit_that_is_reached_counts(self) -> None:
        agg = f"limit=60,remaining=1,reset={NOW + 500:.0f}"
        std = f"limit=9, remaining=0, reset={NOW + 7:.0f}"
        limits = {"X_Librato_RateLimit_Agg": agg, "X_Librato_RateLimit_Std": std}
        self.assertEqual(self.retry(response(403, **limits)).after, 7)

    def test_a_403_that_says_so_is_a_rate_limit(self) -> None:
        self.assertEqual(self.retry(response(403, b'{"error": "Rate limit exceeded"}')).after, 0)
        self.assertEqual(self.retry(response(403, Retry_After="9")).after, 9)

    def test_another_403_is_for_people_to_mend(self) -> None:
        limit = f"limit=60,remaining=5,reset={NOW + 42:.0f}"
        answer = response(403, b'{"error": "read-only token"}', X_Librato_RateLimit_Agg=limit)
        retry = self.retry(answer)
        self.assertIn("403, the account or the API key may not write", retry.reason)
        self.assertEqual(retry.after, SLOW)

    def test_retry_after_is_honoured_as_seconds_or_a_date(self) -> None:
        date = formatdate(NOW + 30, usegmt=True)
        past = formatdate(NOW - 30, usegmt=True)
        for value, after in (("17", 17), (date, 30), (past, 0), ("soon", 0), ("-5", 0), ("", 0)):
            for status in (429, 503):
                self.assertEqual(self.retry(response(status, Retry_After=value)).after, after)

    def test_nothing_makes_it_wait_for_more_than_an_hour(self) -> None:
        self.assertEqual(self.retry(response(503, Retry_After="999999999")).after, MAX_WAIT)
        limit = "remaining=0,reset=999999999999999"
        self.assertEqual(self.retry(response(429, X_Librato_RateLimit_Agg=limit)).after, MAX_WAIT)

    @given(st.integers(100, 999), st.binary(max_size=60), st.binary(max_size=60))
    @example(429, b"Fri, 31 Dec 9999 23:59:59 -2359", b"")
    @example(429, b"Mon, 01 Jan 0001 00:00:00 +2359", b"")
    @example(429, b"Mon, 01 Jan 2000 00:00:00 +99999999999999", b"")
    @example(429, b"Mon, 99 Jan 99999999999 99:00:00", b"")
    def test_no_answer_is_too_odd(self, status: int, header: bytes, body: bytes) -> None:
        headers = dict.fromkeys(("Retry_After", "X_Librato_RateLimit_Agg"), header)
        try:
            classify(response(status, body, **headers), NOW)
        except RetryLater as retry:
            self.assertTrue(0 <= retry.after <= MAX_WAIT)

    @given(st.text("0123456789 :,-+GMTadeFirJn", max_size=40))
    def test_no_date_is_too_odd(self, date: str) -> None:
        self.assertTrue(0 <= self.retry(response(503, Retry_After=date)).after <= MAX_WAIT)
