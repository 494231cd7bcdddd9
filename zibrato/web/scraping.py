"""Private: find the backends that are scraped, and what serves their responses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.web.iweb import IRequest

from zibrato.interfaces import IBackend, IDescribingBackend, IScrapedBackend

__all__ = ["EXAMPLE", "Answer", "answer_of", "at_endpoints", "scraped"]

EXAMPLE = "tcp:9464:interface=127.0.0.1"

Answer = Callable[[IRequest], Deferred[Iterator[bytes]]]


def scraped(backends: Iterable[IBackend]) -> Sequence[IScrapedBackend]:
    """Return those of the backends that are scraped."""
    adapted = (IScrapedBackend(backend, None) for backend in backends)
    return [backend for backend in adapted if backend is not None]


def at_endpoints(
    backends: Iterable[IBackend], *, has_page: bool
) -> Sequence[tuple[IScrapedBackend, str]]:
    """Return the backends that are scraped at their own endpoints, with these endpoints.

    Raises ValueError, one line for people, if others don't fit on the page, which has room for one.
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
    """Return a function that answers requests with `backend`; descriptions may be another's."""
    adapted = (IDescribingBackend(one, None) for one in backends)
    describing = next((one for one in adapted if one is not None), None)

    def nothing() -> Deferred[Mapping[str, str]]:
        return succeed({})

    descriptions = nothing if describing is None else describing.descriptions
    return lambda request: backend.answer(request, descriptions)
