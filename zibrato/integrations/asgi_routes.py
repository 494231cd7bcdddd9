"""The names of Starlette's and FastAPI's routes, such as /shop/items/{number}; private.

A route of a mounted application doesn't know where that is mounted. Therefore all routes of the
outermost router are searched for it, once, and the name is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zibrato.integrations.requests import MAX_ROUTES, OTHER

Scope = Mapping[str, Any]  # Any: the type of a value depends on its key
"""ASGI's scope of a connection."""


class RouteNames:
    """Returns the name of a scope's route, and never its path."""

    def __init__(self) -> None:
        # The keys are identities, since routes can't be hashed. The routes are kept, so that no
        # other object gets the same identity.
        self._names: dict[tuple[int, int], tuple[object, object, list[str]]] = {}

    def __call__(self, scope: Scope) -> str:
        """Return the name, or `other` if no route was matched."""
        router = scope.get("router")
        # Old versions of Starlette provide only the endpoint.
        target = scope.get("route") or scope.get("endpoint")
        if router is None or target is None:
            return str(getattr(target, "path", OTHER))
        key = (id(router), id(target))
        known = self._names.get(key)
        if known is None:
            known = (router, target, _names_of(router, target))
            if len(self._names) < MAX_ROUTES:
                self._names[key] = known
        names = known[2]
        if len(names) > 1:  # an application may be mounted twice
            path = _path_within(scope)
            return min(names, key=lambda name: _misfit(name, path))
        return names[0]


def _names_of(router: object, target: object) -> list[str]:
    """Return all names of a route; it has several if it is mounted several times."""
    routes = getattr(router, "routes", None) or ()
    names = [name for name, route in _named_routes(routes) if _is_matched(route, target)]
    return names or [str(getattr(target, "path", OTHER))]


def _named_routes(routes: Iterable[object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Generate all routes with their names; those of a mounted application precede the mount."""
    for route in routes:
        name = prefix + getattr(route, "path", "")
        # FastAPI 0.165 keeps an included router as a whole, and its prefix separately.
        name += getattr(getattr(route, "include_context", None), "prefix", "")
        owner = getattr(route, "original_router", route)
        yield from _named_routes(getattr(owner, "routes", None) or (), name)
        yield name, route


def _is_matched(route: object, target: object) -> bool:
    """Return whether the route is the target, or has it as its endpoint."""
    return route is target or getattr(route, "endpoint", getattr(route, "app", None)) is target


def _path_within(scope: Scope) -> str:
    """Return the path from the outermost application; old Starlette cuts it at each mount."""
    root, path = scope.get("root_path", ""), scope["path"]
    whole: str = path if path.startswith(root) else root + path
    return whole.removeprefix(scope.get("app_root_path", ""))


def _misfit(name: str, path: str) -> int:
    """Return 0 if a path begins as a route's name says, 1 if it may, and 2 if it doesn't."""
    pairs = zip(name.split("/"), path.split("/"), strict=False)
    return max([_misfit_of_part(part, given) for part, given in pairs])


def _misfit_of_part(part: str, given: str) -> int:
    if "{" in part:
        return 0 if given else 1  # only a parameter of the kind `path` accepts an empty part
    return 0 if part == given else 2
