"""What the integration tests share."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.sink import Sink
from tests.integration.tally import Tally

# What runs in a shell's background, as tests may, ignores these signals, and so would every child.
for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    """A receiver on an ipc path of its own."""
    made = Sink(f"ipc://{tmp_path}/socket")
    yield made
    made.close()


@pytest.fixture
def account_for(request: pytest.FixtureRequest) -> Callable[[Tally], None]:
    """Hold a tally to its account: no measurement is lost. It goes into the table of chaos."""

    def account_for(tally: Tally) -> None:
        request.node.user_properties.append(("tally", tally.as_property()))
        print(tally)
        assert tally.made > 0
        assert tally.lost == 0, tally

    return account_for
