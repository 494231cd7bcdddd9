"""What there is below /v1/sources."""

from __future__ import annotations

from tests.store.web.cases import WebTestCase


class SourcesTests(WebTestCase):
    def test_sources_are_listed_and_found(self) -> None:
        for source in ("web.1", "Web.2", "db"):
            self.post(name="m", value=1, source=source)
        page = self.get("/v1/sources?name=WEB")
        self.assertEqual(page["query"], {"found": 2, "length": 2, "offset": 0, "total": 3})
        self.assertEqual([one["name"] for one in page["sources"]], ["web.1", "Web.2"])
        self.assertEqual(self.get("/v1/sources/WEB.2"), {"name": "Web.2", "display_name": None})
        self.assertEqual(self.ask("GET", "/v1/sources/nix")[0], 404)
        self.assertEqual(self.ask("PUT", "/v1/sources/db", {"display_name": "x"})[0], 405)
