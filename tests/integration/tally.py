"""What became of all that was made under a fault: for assertions, and for the table of chaos."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Tally:
    """How many measurements were made, and how many of them are where.

    `times` is how often the fault was injected. `pending`, `dropped` and `duplicated` are numbers
    by the reason for them.
    """

    made: int
    delivered: int
    times: int = 1
    pending: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    duplicated: Mapping[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        """How many are nowhere; negative: how many are there of which nobody knows why."""
        explained = sum(self.pending.values()) + sum(self.dropped.values())
        return self.made + sum(self.duplicated.values()) - self.delivered - explained

    def as_property(self) -> dict[str, object]:
        """Return it as pytest's reports can have it: in plain types."""
        return asdict(self)


def repeated(measurements: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many arrived again, exactly as before, by the reason for it.

    A Librato server can't tell a repeat. So it takes one twice if the daemon is killed after the
    server took a request and before that is noted.
    """
    seen: set[str] = set()
    count = 0
    for measurement in measurements:
        text = json.dumps(measurement, sort_keys=True)
        count += measurement.get("count", 1) if text in seen else 0
        seen.add(text)
    return {"killed as it was told": count}
