"""What all tests share: hypothesis's settings and data, fixtures, and the order of tests."""

from __future__ import annotations

import gc
import importlib.metadata
import os
import socket
from collections.abc import Iterator
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

# The garbage collector took half the time of a collection, and finds no garbage there.
gc.disable()

# pytest reads Twisted's version before each test, which would read all its metadata each time.
importlib.metadata.version = cache(importlib.metadata.version)

# On a busy machine, the time that an example takes means nothing. A short run tries the same
# examples each time: what it finds is due to the change that it tests. `make soak` and `make fuzz`
# try others.
settings.register_profile(
    "zibrato",
    deadline=None,
    derandomize=soak.SHARE < 1,
    max_examples=soak.examples(100),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("zibrato")
set_hypothesis_home_dir(ROOT / ".make" / "hypothesis")

# A failed test leaves contexts and sockets in cycles. When a context is garbage-collected, pyzmq
# terminates it, and that waits for ever if one of its sockets is collected later, in whatever test
# runs then.
zmq.Context.__del__ = lambda _context: None  # type: ignore[method-assign]  # for this process only


LONG = {"integration", "test_typing.py"}
"""Parts of the paths of tests that take seconds."""
PAGE = "tests/integration/page"

SECOND_BROWSER = {"test_plots.py", "test_screens.py", "test_speed.py"}
"""These take about half the time of the page's tests."""

# The daemons of tests keep their outboxes here, unless a path is given.
_state = TemporaryDirectory(prefix="zibrato-state-")
os.environ["XDG_STATE_HOME"] = _state.name


def pytest_configure(config: pytest.Config) -> None:
    """Reject a time limit for hanging tests that is too short for tests of full length."""
    try:
        check_limit(float(config.getini("faulthandler_timeout")), soak.SHARE)
    except ValueError as error:
        raise pytest.UsageError(error) from None


class _Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Sends each file to one worker, like loadfile, but the page's tests to two workers.

    Each of these workers starts a browser, which takes long.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        room, _, name = file.rpartition("/")
        return f"{room} {name in SECOND_BROWSER}" if room == PAGE else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Return the scheduler that distributes tests over the workers."""
    return _Scheduling(config, log)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that something listens at."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture
def credentials(tmp_path: Path) -> Path:
    """Return a file with a user name and a password for --web-credentials."""
    path = tmp_path / "credentials"
    path.write_text("user:secret\n")
    path.chmod(0o600)
    return path


def pytest_collection_finish() -> None:
    """Collect garbage from here on, but ignore the objects that collection has made."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long tests first: with short tests at the end, all workers finish at the same time.

    Reports of attacks and faults also get their names, for the tables of tests/hostile.py and
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
