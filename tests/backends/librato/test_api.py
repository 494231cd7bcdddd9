"""What is sent as which account, what an answer becomes, and that the key stays secret."""

from __future__ import annotations

import traceback
from base64 import b64encode
from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.backends.recorder import Recorder
from zibrato import __version__
from zibrato.backends.librato.account import Account
from zibrato.backends.librato.api import LibratoApi
from zibrato.backends.posting import Verdict
from zibrato.interfaces import RetryLater

KEY = "a-secret-key"
TOKEN = b64encode(f"user:{KEY}".encode()).decode()
URL = "https://metrics-api.librato.com/v1/metrics"
SETTINGS = {"username": "user", "apikey": KEY}


class FailingHttp:
    """An HTTP client that gets no answer."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def post(self, url: str, **options: Any) -> Deferred[Any]:
        return fail(self.error)


class ExchangeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def post(self, http: Any, body: bytes = b"{}", **settings: str) -> Deferred[Verdict]:
        account = Account.parse({**SETTINGS, **settings})
        api = LibratoApi(account, http, self.clock)
        return Deferred.fromCoroutine(api.post(body))

    def test_the_request(self) -> None:
        recorder = Recorder()
        outcome = self.post(StubTreq(recorder), b'{"gauges": []}', hostname="http://h:99")
        self.assertEqual(self.successResultOf(outcome), Verdict())
        ((request, body),) = recorder.requests
        self.assertEqual((request.method, request.path), (b"POST", b"/v1/metrics"))
        self.assertEqual(body, b'{"gauges": []}')
        for name, value in (
            ("Authorization", f"Basic {TOKEN}"),
            ("Content-Type", "application/json"),
            ("User-Agent", f"zibrato/{__version__}"),
            ("Host", "h:99"),
            ("Content-Encoding", None),
        ):
            self.assertEqual(request.getHeader(name), value)

    def test_a_refusal_has_the_server_s_words_but_not_the_key(self) -> None:
        recorder = Recorder(400, f'{{"errors": {{"request": "no {KEY}"}}}}'.encode())
        outcome = self.post(StubTreq(recorder))
        self.assertEqual(self.successResultOf(outcome), Verdict("400 request: no ***"))

    def test_a_part_s_errors_have_no_key_either(self) -> None:
        recorder = Recorder(202, f'{{"errors": ["no {KEY}"]}}'.encode())
        outcome = self.post(StubTreq(recorder), api="tagged")
        self.assertEqual(self.successResultOf(outcome), Verdict(None, 1, "no ***"))

    def test_a_reason_to_try_again_names_the_address(self) -> None:
        failure = self.failureResultOf(self.post(FailingHttp(OSError("broken"))), RetryLater)
        self.assertEqual(str(failure.value), f"{URL}: OSError: broken")

    def test_no_failure_shows_the_key(self) -> None:
        failure = self.failureResultOf(self.post(FailingHttp(RuntimeError("a bug"))))
        text = failure.getTraceback() + "".join(traceback.format_exception(failure.value))
        self.assertNotIn(KEY, text)
        self.assertNotIn(TOKEN, text)
