"""Private: which backends are scraped, and with what they answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.web.iweb import IRequest

from zibrato.interfaces import IBackend, IDescribingBackend, IScrapedBackend

__all__ = ["EXAMPLE", "Answer", "answer_of", "at_endpoints", "scraped"]

EXAMPLE = "tcp:9464:interface=127.0.0.1"

Answer = Callable[[IRequest], Deferred[Iterator[bytes]]]


def scraped(backends: Iterable[IBackend]) -> Sequence[IScrapedBackend]:
    """Return those of the backends that are asked for what they have."""
    adapted = (IScrapedBackend(backend, None) for backend in backends)
    return [backend for backend in adapted if backend is not None]


def at_endpoints(
    backends: Iterable[IBackend], *, has_page: bool
) -> Sequence[tuple[IScrapedBackend, str]]:
    """Return the backends that are scraped at endpoints of their own, and those.

    Raises ValueError, one line for people, for others than the one that a page has room for.
    """
    asked = scraped(backends)
    others = [backend for backend in asked if backend.endpoint is None]
    if others and (not has_page or len(others) > 1):
        name = others[-1].name
        raise ValueError(
            f"--backend {name}: expected a page that can serve /metrics, and only one such "
            f"backend; give it an endpoint, {name}:endpoint={EXAMPLE}"
        )
    return [(backend, backend.endpoint) for backend in asked if backend.endpoint is not None]


def answer_of(backend: IScrapedBackend, backends: Iterable[IBackend]) -> Answer:
    """Return what answers requests with `backend`; another may know what is said of metrics."""
    adapted = (IDescribingBackend(one, None) for one in backends)
    describing = next((one for one in adapted if one is not None), None)

    def nothing() -> Deferred[Mapping[str, str]]:
        return succeed({})

    descriptions = nothing if describing is None else describing.descriptions
    return lambda request: backend.answer(request, descriptions)
