"""Chooses the backends' keys in the outboxes' file, and keeps them over reloads; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from zibrato.daemon.backend_choices import BackendChoice, reloaded_by

__all__ = ["delayed", "differ", "keyed"]


def keyed(
    choices: Sequence[BackendChoice], running: Mapping[str, BackendChoice]
) -> dict[str, BackendChoice]:
    """Return the choices by key: the backend's name, with a number if several have that name.

    Backends that are `running` (by their keys) keep their keys, even if others of the same name
    come or go.
    """
    before = dict(running)
    chosen: dict[str, BackendChoice] = {}
    others = []
    for choice in choices:
        # Unchanged backends come first: otherwise another of the same name could take their key.
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
    """Return whether a `reload` of the backend can't turn one choice into the other."""
    if one.maker.name != other.maker.name:
        return True
    reloaded = reloaded_by(other.maker)
    first, second = (
        {name: value for name, value in choice.settings.items() if name not in reloaded}
        for choice in (one, other)
    )
    return first != second


def delayed(
    running: Mapping[str, BackendChoice], asked: Mapping[str, BackendChoice]
) -> tuple[Mapping[str, BackendChoice], Sequence[str]]:
    """Return what runs until a restart if only a restart can apply what was `asked` for.

    These are the `running` backends, with the settings that a `reload` can change. Also return the
    labels of the backends that the restart will change.
    """
    kept = {}
    labels = [choice.label for key, choice in asked.items() if key not in running]
    for key, choice in running.items():
        new = asked.get(key)
        is_same = new is not None and not differ(choice, new)
        kept[key] = choice._replace(settings=new.settings) if new and is_same else choice
        if kept[key] != new:
            labels.append((new or choice).label)
    return kept, labels


def _are_same(one: BackendChoice, other: BackendChoice) -> bool:
    return one.name == other.name and not differ(one, other)


def _names(name: str) -> Iterator[str]:
    yield name
    for number in count(2):
        yield f"{name} {number}"
