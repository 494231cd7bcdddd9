"""What all tests share: how hypothesis searches and where it keeps what it found, their order."""

from __future__ import annotations

import gc
import importlib.metadata
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zmq
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests import soak
from tests.hanging import check_limit
from tests.structure import ROOT

# Half of a collection's time went to the garbage collector, which finds none.
gc.disable()

# pytest asks before each test which Twisted there is, and would read all its metadata each time.
importlib.metadata.version = cache(importlib.metadata.version)

# How long an example takes says nothing on a busy machine.
settings.register_profile(
    "zibrato",
    deadline=None,
    max_examples=soak.examples(100),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("zibrato")
set_hypothesis_home_dir(ROOT / ".make" / "hypothesis")

# A failed test leaves contexts and sockets in cycles. pyzmq ends a context that is collected, and
# waits for ever where a socket of it is collected after it, in whatever test runs by then.
zmq.Context.__del__ = lambda _context: None  # type: ignore[method-assign]  # for this process only


LONG = {"integration", "test_typing.py"}
"""Parts of the paths of tests that take seconds."""
PAGE = "tests/integration/page"

SECOND_BROWSER = {"test_plots.py", "test_screens.py", "test_speed.py"}
"""About half of what the tests of the page take."""

# Daemons of tests keep their outboxes there, where nothing is named.
_state = TemporaryDirectory(prefix="zibrato-state-")
os.environ["XDG_STATE_HOME"] = _state.name


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to take a test of whole length for one that hangs."""
    try:
        check_limit(float(config.getini("faulthandler_timeout")), soak.SHARE)
    except ValueError as error:
        raise pytest.UsageError(error) from None


class _Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """As loadfile sends each file to one worker, but those of the page to two: a browser takes long
    to start.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        room, _, name = file.rpartition("/")
        return f"{room} {name in SECOND_BROWSER}" if room == PAGE else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Return what spreads the tests over the workers."""
    return _Scheduling(config, log)


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """Return a file of a user and a password, as --web-credentials takes it."""
    path = tmp_path / "credentials"
    path.write_text("user:secret\n")
    path.chmod(0o600)
    return path


def pytest_collection_finish() -> None:
    """Collect garbage from here on, but not among what the tests are made of."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long tests first: with the short ones last, all workers end at the same time.

    Reports of an attack or a fault say which it is, for the tables of tests/hostile.py and
    tests/chaos.py.
    """
    items.sort(
        key=lambda item: (not item.nodeid.startswith(PAGE), LONG.isdisjoint(item.path.parts))
    )
    for item in items:
        for mark in item.iter_markers("attack"):
            (tried,) = mark.args
            item.user_properties.append(("attack", (tried, mark.kwargs["before"])))
        for mark in item.iter_markers("fault"):
            item.user_properties.append(("fault", mark.args[0]))
