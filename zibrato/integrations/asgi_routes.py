"""The names of Starlette's and FastAPI's routes, such as /shop/items/{number}; private.

A route of a mounted application knows nothing of where that is mounted: all routes of the outermost
router are searched for it, once, and the name is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from zibrato.integrations.requests import MAX_ROUTES, OTHER

Scope = Mapping[str, Any]  # Any, as what a value is goes by its key
"""As ASGI has it."""


class RouteNames:
    """Returns the name of a scope's route: never its path."""

    def __init__(self) -> None:
        # By identity, since routes can't be hashed. They are kept, so it is theirs alone.
        self._names: dict[tuple[int, int], tuple[object, object, list[str]]] = {}

    def __call__(self, scope: Scope) -> str:
        """Return the name, `other` where no route was matched."""
        router = scope.get("router")
        # Old Starlette gives the endpoint alone.
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
        if len(names) > 1:  # an application that is mounted twice, perhaps
            path = _path_within(scope)
            return min(names, key=lambda name: _misfit(name, path))
        return names[0]


def _names_of(router: object, target: object) -> list[str]:
    """Return all names of a route, which it has several of where it is mounted twice."""
    routes = getattr(router, "routes", None) or ()
    names = [name for name, route in _named_routes(routes) if _is_matched(route, target)]
    return names or [str(getattr(target, "path", OTHER))]


def _named_routes(routes: Iterable[object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Generate all routes with their names, those of mounted applications before the mount."""
    for route in routes:
        name = prefix + getattr(route, "path", "")
        # FastAPI 0.165 keeps an included router whole, with its prefix beside it.
        name += getattr(getattr(route, "include_context", None), "prefix", "")
        owner = getattr(route, "original_router", route)
        yield from _named_routes(getattr(owner, "routes", None) or (), name)
        yield name, route


def _is_matched(route: object, target: object) -> bool:
    """Return whether it is the target, or has it as its endpoint."""
    return route is target or getattr(route, "endpoint", getattr(route, "app", None)) is target


def _path_within(scope: Scope) -> str:
    """Return the path from the outermost application on; old Starlette cuts it at each mount."""
    root, path = scope.get("root_path", ""), scope["path"]
    whole: str = path if path.startswith(root) else root + path
    return whole.removeprefix(scope.get("app_root_path", ""))


def _misfit(name: str, path: str) -> int:
    """Return 0 where a path begins as a route's name says, 1 where it may, 2 where it doesn't."""
    pairs = zip(name.split("/"), path.split("/"), strict=False)
    return max([_misfit_of_part(part, given) for part, given in pairs])


def _misfit_of_part(part: str, given: str) -> int:
    if "{" in part:
        return 0 if given else 1  # which only a parameter of the kind `path` takes
    return 0 if part == given else 2
