"""Private: reads HTTP's headers Accept and Accept-Encoding; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

__all__ = ["Choice", "accepts_gzip", "choices"]


class Choice(NamedTuple):
    """What a client accepts, in lower case, with its parameters and its weight, 0 to refuse it."""

    name: str
    parameters: Mapping[str, str]
    weight: float


def choices(header: bytes | None) -> Iterator[Choice]:
    """Generate the items of a header."""
    for item in (header or b"").decode("latin-1").lower().split(","):
        name, *rest = (part.strip() for part in item.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
        yield Choice(name, parameters, _weight(parameters.pop("q", "1")))


def accepts_gzip(header: bytes | None) -> bool:
    """Return whether an Accept-Encoding header accepts gzip, by name or by `*`."""
    weights = {choice.name: choice.weight for choice in choices(header)}
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
