"""What every backend does with the settings that it is given."""

from __future__ import annotations

from collections.abc import Mapping

from zibrato.suggestion import suggestion


def check_names(settings: Mapping[str, str], *allowed: str) -> None:
    """Raise ValueError, with one line for people, for a setting that is not `allowed`."""
    for name in settings:
        if name not in allowed:
            expected = f"one of {', '.join(allowed)}" if allowed else "no settings"
            raise ValueError(f"expected {expected}, got {name!r}{suggestion(name, allowed)}")
