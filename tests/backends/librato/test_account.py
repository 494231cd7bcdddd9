"""Which settings make an account, and that its key shows nowhere."""

from __future__ import annotations

from base64 import b64encode

from twisted.trial.unittest import SynchronousTestCase

from zibrato.backends.librato.account import Account

KEY = "a-secret-key"
TOKEN = b64encode(f"user:{KEY}".encode()).decode()
URL = "https://metrics-api.librato.com/v1/metrics"
SETTINGS = {"username": "user", "apikey": KEY}


class AccountTests(SynchronousTestCase):
    def url(self, **settings: str) -> str:
        return Account.parse({**SETTINGS, **settings}).url

    def refusal(self, **settings: str) -> str:
        with self.assertRaises(ValueError) as caught:
            Account.parse({**SETTINGS, **settings})
        self.assertNotIn("\n", str(caught.exception))
        return str(caught.exception)

    def test_the_address_by_default(self) -> None:
        self.assertEqual(self.url(), URL)
        self.assertEqual(self.url(hostname="", apipath=""), self.url())

    def test_the_tagged_api_has_an_address_of_its_own(self) -> None:
        url = self.url(api="tagged", apipath="/metrics-api/v1")
        self.assertEqual(url, "https://metrics-api.librato.com/metrics-api/v1/measurements")
        self.assertEqual(self.url(api="legacy"), URL)
        refusal = self.refusal(api="tags")
        self.assertEqual(refusal, "api: expected legacy or tagged, got 'tags'")

    def test_any_host_with_or_without_scheme_and_port(self) -> None:
        for hostname, url in (
            ("example.com", "https://example.com/v1/metrics"),
            ("example.com:8443", "https://example.com:8443/v1/metrics"),
            (" http://127.0.0.1:8080/ ", "http://127.0.0.1:8080/v1/metrics"),
            ("HTTPS://Example.com", "https://Example.com/v1/metrics"),
            ("http://[::1]:80", "http://[::1]:80/v1/metrics"),
        ):
            self.assertEqual(self.url(hostname=hostname), url)

    def test_any_path_with_or_without_slashes(self) -> None:
        for apipath, path in (("v2", "/v2/"), ("/a/b", "/a/b/"), ("//v1//", "/v1/"), ("/", "/")):
            url = f"https://metrics-api.librato.com{path}metrics"
            self.assertEqual(self.url(apipath=apipath), url)

    def test_what_is_no_host_is_refused(self) -> None:
        for hostname in (
            *("ftp://h", "http://", "h/path", "user:pw@h", "h:port", "h:", "h:0", "h:99999"),
            *("a b", "[", "[::1", "::1", "h?q", "h#f", "h:1:2", ":80"),
        ):
            self.assertIn("hostname: expected NAME", self.refusal(hostname=hostname))

    def test_what_is_no_path_is_refused(self) -> None:
        for apipath in ("v1?x=1", "v 1", "#"):
            self.assertIn("apipath: expected a path", self.refusal(apipath=apipath))

    def test_what_is_missing_or_unknown_is_named(self) -> None:
        self.assertIn("--username", self.refusal(username=" "))
        self.assertIn("ZIBRATO_APIKEY", self.refusal(apikey=""))
        self.assertIn("'user'", self.refusal(user="misspelt"))

    def test_white_space_around_the_key_is_no_part_of_it(self) -> None:
        self.assertEqual(Account.parse({**SETTINGS, "apikey": f"{KEY}\n"}).apikey, KEY)

    def test_the_key_does_not_show(self) -> None:
        account = Account.parse(SETTINGS)
        self.assertNotIn(KEY, repr(account) + str(account) + f"{[account]}")
        text = account.scrubbed(f"the key {KEY}, Basic {TOKEN}")
        self.assertEqual(text, "the key ***, Basic ***")
        self.assertEqual(Account.parse({**SETTINGS, "apikey": "e"}).scrubbed("here"), "here")
