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

    def test_a_source_has_a_name_for_people(self) -> None:
        self.post(name="m", value=1, source="Web.1")
        self.assertEqual(self.ask("PUT", "/v1/sources/web.1", {"display_name": "Web"})[0], 204)
        web = {"name": "Web.1", "display_name": "Web"}
        self.assertEqual(self.get("/v1/sources/WEB.1"), web)
        new = {"name": "new", "display_name": None}
        self.assertEqual(self.ask("PUT", "/v1/sources/new", {}), (201, new))
        self.assertEqual(self.headers.getRawHeaders("location"), ["/v1/sources/new"])
        self.assertEqual(self.get("/v1/sources")["sources"], [new, web])
        self.assertEqual(self.ask("PUT", "/v1/sources/new", {"display_name": "N"})[0], 204)
        self.assertEqual(self.get("/v1/sources/new")["display_name"], "N")
        for name, content in (("a%20b", {}), ("all", {}), ("db", {"nix": 1}),
                              ("db", {"display_name": 3})):  # fmt: skip
            self.assertEqual(self.ask("PUT", f"/v1/sources/{name}", content)[0], 400)
