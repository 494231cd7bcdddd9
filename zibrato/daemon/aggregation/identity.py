"""Checks name, level, source and tags of a row against their bounds; pure."""

from __future__ import annotations

from zibrato.levels import level_name
from zibrato.model import MAX_NAME_LENGTH, MAX_TAGS, Tags


def rejection_of(name: str, level: str, source: str | None, tags: Tags) -> str | None:
    """Return the part of a row's identity that is invalid, as a reason; None if all is valid."""
    try:
        level_name(level)
    except ValueError:
        return "level"
    if not 0 < len(name) <= MAX_NAME_LENGTH:
        return "name"
    if source and len(source) > MAX_NAME_LENGTH:
        return "source"
    if len(tags) > MAX_TAGS or not all(map(_is_tag, tags)):
        return "tags"
    return None


def _is_tag(tag: tuple[str, str]) -> bool:
    name, value = tag
    return 0 < len(name) <= MAX_NAME_LENGTH and 0 < len(value) <= MAX_NAME_LENGTH
