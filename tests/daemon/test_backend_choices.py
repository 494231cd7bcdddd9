"""What any backend takes beside its own settings.

Which backends there are, and that no repr shows a secret, is in test_settings.
"""

from __future__ import annotations

import pytest
from twisted.python.usage import UsageError

from zibrato.daemon.backend_choices import BackendChoice
from zibrato.daemon.options import Options


def choices(*arguments: str) -> tuple[BackendChoice, ...]:
    options = Options({})
    options.parseOptions(arguments)
    return options.settings.backends


def test_each_backend_has_the_bounds_of_the_daemon_or_its_own() -> None:
    first, second = choices(
        *("--outbox-size", "2M", "--outbox-age", "2d", "--backend", "memory"),
        *("--backend", "log:path=/x:outbox_size=3M:outbox_age=5m"),
    )
    assert (first.outbox_size, first.outbox_age) == (2 << 20, 2 * 86_400)
    assert (second.outbox_size, second.outbox_age) == (3 << 20, 300)
    assert second.settings == {"path": "/x"}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--backend", "log:outbox_size=1"], "--backend log: outbox_size: expected bytes from 1M"),
        (["--backend", "log:outbox_age=1y2"], "--backend log: outbox_age: expected a time from"),
        (
            ["--outbox-size", "1", "--backend", "log:outbox_size=2M", "--outbox-age", "1d"],
            "--outbox-size: expected bytes from 1M",
        ),
        (["--backend", "lgo"], "--backend: expected one of "),
        (["--backend", "log:path=a:path=b"], "--backend log: expected each setting once"),
    ],
)
def test_what_is_wrong_is_named(arguments: list[str], line: str) -> None:
    with pytest.raises(UsageError, match=f"^{line}"):
        choices(*arguments)


def test_people_are_told_of_a_backend_by_its_name_and_what_it_is() -> None:
    first, second = choices("--backend", "log:name=audit", "--backend", "memory")
    assert (first.label, second.label) == ("audit (log)", "memory")
