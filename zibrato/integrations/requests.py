"""Counts and times the requests of a web application; private, for the modules beside it.

Anybody who sends requests chooses their paths and methods, and every value of a tag makes another
series. So a tag has only values that the application's author chose, a known method, or `other`.
"""

from __future__ import annotations

from collections.abc import Callable

from zibrato.client.instruments import Instruments
from zibrato.model import MAX_NAME_LENGTH

OTHER = "other"
"""Stands for the route of a request that matches none, and for an unknown method."""
GONE = 499
"""The status of a request whose client disconnected before the response was complete."""
METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY")
)
CLASSES = {number: f"{number}xx" for number in range(1, 6)}
MAX_ROUTES = 1000
"""Routes of an application; all further ones, such as paths by mistake, are `other`."""

_Bound = tuple[Callable[[], object], Callable[[float], object]]


class Requests:
    """Records requests in the counter `http.requests` and the timer `http.request_time`.

    Their tags are `route`, `method` and `status`, which is its class, such as 4xx. Nothing here
    raises, whatever the arguments are.
    """

    def __init__(self, z: Instruments) -> None:
        self._z = z
        self._bound: dict[tuple[object, object, int], _Bound] = {}
        self._routes: set[str] = set()

    def record(self, route: object, method: object, status: int, seconds: float) -> None:
        """Count a request and its time."""
        try:
            known = method if method in METHODS else OTHER
            count, record = self._bound[route, known, status // 100]
        except Exception:  # the route is new, or an argument is invalid
            count, record = self._bind(route, method, status)
        count()
        record(seconds)

    def count_exception(self, route: object, kind: type[BaseException]) -> None:
        """Count an exception that nothing in the application has handled, at level `error`."""
        # The class may define its own `__name__`, which may raise anything.
        name = type.__dict__["__name__"].__get__(kind)[:MAX_NAME_LENGTH] or OTHER
        tags = {"route": self._known(route), "exception": name}
        self._z.count("http.exceptions", level="error", tags=tags)

    def _bind(self, route: object, method: object, status: object) -> _Bound:
        """Return functions that count and time such requests, cached for the next one."""
        known = self._known(route)
        verb = _exact(method)
        if verb not in METHODS:
            verb = OTHER
        number = status // 100 if isinstance(status, int) and status // 100 in CLASSES else 5
        bound = self._bound.get((known, verb, number))
        if bound is None:
            tags = {"route": known, "method": verb, "status": CLASSES[number]}
            counter = self._z.count_me("http.requests", tags=tags)
            timer = self._z.time_me("http.request_time", tags=tags)
            bound = self._bound[known, verb, number] = (counter.count, timer.record)
        return bound

    def _known(self, route: object) -> str:
        """Return the route's name, or `other` if it isn't one, or is one too many."""
        name = _exact(route)[:MAX_NAME_LENGTH]
        if name not in self._routes:
            if not name or len(self._routes) >= MAX_ROUTES:
                return OTHER
            self._routes.add(name)
        return name


def _exact(text: object) -> str:
    """Return a text as an exact string, without the methods of a subclass; "" for other types."""
    return str.__str__(text) if isinstance(text, str) else ""
