"""Every function of composite queries is on its page, with an example that has an answer."""

from __future__ import annotations

import re
from urllib.parse import quote

from tests.docs.blocks import ROOT
from tests.store.cases import START
from tests.store.web.cases import WebTestCase
from zibrato.store.api.composite_functions import FUNCTIONS
from zibrato.store.api.composite_query import OTHERS

PAGE = (ROOT / "docs/reference/composites.rst").read_text()
ENTRIES = re.findall(r"^(``\w.*)\n((?: {4}.+\n)+)", PAGE, re.M)
EXAMPLES = re.compile(r"``(\w+\(.+?\))``(?=\s|$)", re.S)


class CompositesPageTests(WebTestCase):
    def setUp(self) -> None:
        super().setUp()
        for ago in range(0, 300, 10):
            time = START - ago
            for name, value in (("requests", 10 + ago % 7), ("errors", 1)):
                for source in ("web-1", "web-2"):
                    self.post(name=name, value=value, source=source, measure_time=time)
                tags = {"region": "eu"}
                one = {"name": name, "value": value, "time": time, "tags": tags}
                self.ask("POST", "/v1/measurements", {"measurements": [one]})

    def test_every_function_has_an_example(self) -> None:
        names = {name for terms, _ in ENTRIES for name in re.findall(r"``(\w+)[(`]", terms)}
        self.assertEqual(names, {*FUNCTIONS, *OTHERS})
        for terms, text in ENTRIES:
            used = {
                name for one in EXAMPLES.findall(text) for name in re.findall(r"\w+(?=\()", one)
            }
            self.assertLessEqual({*re.findall(r"``(\w+)[(`]", terms)} - {"series"}, used, terms)

    def test_every_example_has_an_answer(self) -> None:
        examples = [example for _, text in ENTRIES for example in EXAMPLES.findall(text)]
        self.assertGreater(len(examples), 25)
        for example in examples:
            query = f"/v1/measurements?compose={quote(example)}&duration=290&resolution=10"
            (first, *_) = self.get(query)["series"]
            self.assertTrue(first["measurements"], example)
