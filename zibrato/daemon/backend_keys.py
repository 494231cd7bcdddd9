"""What the outbox's file calls backends, over reloads of which some come, change and go; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from zibrato.daemon.backend_choices import BackendChoice, reloaded_by

__all__ = ["differ", "keyed"]


def keyed(
    choices: Sequence[BackendChoice], running: Mapping[str, BackendChoice]
) -> dict[str, BackendChoice]:
    """Return the choices by their keys: the name, and the place of many.

    What is `running`, by its key, keeps that, whichever of its name comes or goes.
    """
    before = dict(running)
    chosen: dict[str, BackendChoice] = {}
    others = []
    for choice in choices:
        # First those that stay as they are: else another of the name could take the key of one.
        key = next((key for key, one in before.items() if _are_same(one, choice)), None)
        if key is None:
            others.append(choice)
        else:
            chosen[key] = choice
            del before[key]
    for choice in others:
        same = (key for key, one in before.items() if one.name == choice.name)
        key = next(same, None) or next(
            key for key in _names(choice.name) if key not in chosen and key not in before
        )
        chosen[key] = choice
        before.pop(key, None)
    return chosen


def differ(one: BackendChoice, other: BackendChoice) -> bool:
    """Whether one can't become the other by a `reload` of its backend."""
    if one.maker.name != other.maker.name:
        return True
    reloaded = reloaded_by(other.maker)
    first, second = (
        {name: value for name, value in choice.settings.items() if name not in reloaded}
        for choice in (one, other)
    )
    return first != second


def _are_same(one: BackendChoice, other: BackendChoice) -> bool:
    return one.name == other.name and not differ(one, other)


def _names(name: str) -> Iterator[str]:
    yield name
    for number in count(2):
        yield f"{name} {number}"
