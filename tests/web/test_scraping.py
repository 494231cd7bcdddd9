"""Which backends are scraped, and what they are told of descriptions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from zibrato.backends.memory import MemoryBackend
from zibrato.interfaces import IDescribingBackend, IScrapedBackend
from zibrato.web.scraping import answer_of, scraped


@implementer(IScrapedBackend)
class Scraped(MemoryBackend):
    endpoint = None

    def answer(
        self, _request: object, descriptions: Callable[[], Deferred[Mapping[str, str]]]
    ) -> Deferred[Iterator[bytes]]:
        return descriptions().addCallback(lambda known: iter([repr(known).encode()]))


@implementer(IDescribingBackend)
class Describing(MemoryBackend):
    def descriptions(self) -> Deferred[Mapping[str, str]]:
        return succeed({"calls": "Calls"})


def answer(*backends: Any) -> bytes:
    (one,) = scraped(backends)
    answers: list[bytes] = []
    request: Any = None
    answer_of(one, backends)(request).addCallback(answers.extend)
    return b"".join(answers)


def test_what_another_backend_knows_of_metrics_is_told() -> None:
    assert answer(MemoryBackend(), Scraped()) == b"{}"
    assert answer(MemoryBackend(), Scraped(), Describing()) == b"{'calls': 'Calls'}"
