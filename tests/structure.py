"""Find the modules, and what each of them imports, for tests of the structure."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def modules(top: str) -> dict[str, Path]:
    """Return the modules in a folder of the checkout, by their dotted names."""
    names = {}
    for path in sorted((ROOT / top).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


@cache
def tree(path: Path) -> ast.Module:
    """Return what a module says, parsed once for all tests."""
    return ast.parse(path.read_text())


def imports(path: Path, known: Mapping[str, Path]) -> set[str]:
    """Return which of the `known` modules a module imports, including imports only for types."""
    targets = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & known.keys()
            targets |= inner or {node.module} & known.keys()
        elif isinstance(node, ast.Import):
            targets |= {alias.name for alias in node.names} & known.keys()
    return targets


def room(module: str) -> str:
    """Return the room of a module: its package, or the module itself at the top level."""
    _, *parts = module.split(".")
    depth = 2 if parts[:1] == ["store"] and len(parts) > 1 else 1
    return ".".join(parts[:depth])


def circles(arrows: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Generate an import cycle of each module that is part of one."""
    for start in arrows:
        ways = [[start, target] for target in arrows[start]]
        seen: set[str] = set()
        while ways:
            way = ways.pop()
            if way[-1] == start:
                yield way
                break
            if way[-1] not in seen:
                seen.add(way[-1])
                ways += [[*way, target] for target in arrows.get(way[-1], ())]
