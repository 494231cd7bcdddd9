"""What there is below /v1/annotations."""

from __future__ import annotations

from tests.store.cases import START
from tests.store.web.cases import WebTestCase


class AnnotationsTests(WebTestCase):
    def test_the_life_of_an_event(self) -> None:
        content = {"title": "v1", "source": "web", "end_time": START + 5}
        status, event = self.ask("POST", "/v1/annotations/deploys", content)
        self.assertEqual((status, event["start_time"], event["source"]), (201, START, "web"))
        path = f"/v1/annotations/deploys/{event['id']}"
        self.assertEqual(self.ask("PUT", path, {"title": "v2"})[1]["title"], "v2")
        link = {"rel": "github", "href": "https://example.com/1"}
        self.assertEqual(self.ask("POST", f"{path}/links", link)[0], 201)
        self.assertEqual(self.headers.getRawHeaders("location"), [f"{path}/links/github"])
        self.assertEqual(self.get(f"{path}/links/github"), {**link, "label": None})
        other = {"rel": "ci", "href": "https://example.com/2"}
        self.assertEqual(self.ask("POST", f"{path}/links", other)[0], 201)
        self.assertEqual(self.ask("DELETE", f"{path}/links/ci")[0], 204)
        self.assertEqual(self.ask("GET", f"{path}/links/ci")[0], 404)
        self.assertEqual(self.get(path)["links"], [{**link, "label": None}])
        self.assertEqual(self.get("/v1/annotations")["annotations"][0]["name"], "deploys")
        self.assertNotIn("events", self.get("/v1/annotations/deploys"))
        stream = self.get(f"/v1/annotations/Deploys?start_time={START - 9}&end_time={START + 1}")
        self.assertEqual(stream["events"]["web"][0]["title"], "v2")
        stream = self.get(f"/v1/annotations/deploys?start_time={START - 9}&sources[]=d*")
        self.assertEqual(stream["events"], {})
        stream = self.get(f"/v1/annotations/deploys?start_time={START - 9}&sources[]=W*")
        self.assertEqual([*stream["events"]], ["web"])
        (shown,) = self.get(f"/data/annotations?start={START + 4}&end={START + 9}")
        self.assertEqual((shown["stream"], shown["end"]), ("deploys", START + 5))
        self.assertEqual(self.ask("DELETE", path), (204, b""))
        self.assertEqual(self.ask("GET", path)[0], 404)
        self.assertEqual(self.ask("DELETE", "/v1/annotations/deploys")[0], 204)
        self.assertEqual(self.ask("GET", "/v1/annotations/deploys")[0], 404)

    def test_what_is_wrong_is_named(self) -> None:
        for content, param in (
            ({}, "title"), ({"title": "a", "end_time": 3}, "end_time"),
            ({"title": "a", "source": "a b"}, "source"), ({"title": "a", "links": 3}, "links"),
            ({"title": "a", "start_time": 1e300}, "start_time"),
            ({"title": "a", "tags": {}}, "tags"),
            ({"title": "a", "links": [{"rel": "r", "href": "http://x", "nix": 1}]}, "nix"),
            ({"title": "a", "end_time": 1e300}, "end_time"),
        ):  # fmt: skip
            status, answer = self.ask("POST", "/v1/annotations/s", content)
            self.assertEqual((status, list(answer["errors"]["params"])), (400, [param]))
        stream = {"name": "s", "display_name": "S"}  # as python-librato has it
        self.assertEqual(self.ask("PUT", "/v1/annotations/s", stream), (200, stream))
        self.assertEqual(self.ask("PUT", "/v1/annotations/s", {"name": "t"})[0], 400)
        self.assertEqual(self.ask("PUT", "/v1/annotations/s", {"title": "t"})[0], 400)
