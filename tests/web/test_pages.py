"""What of a daemon is served over HTTP; tests/test_service.py has the lines for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from twisted.python.usage import UsageError

from zibrato.daemon.backend_slot import BackendSlot
from zibrato.service import Options, make_service
from zibrato.store.backend import StoreBackend
from zibrato.web.metrics_site import MetricsService

LOCAL = "tcp:0:interface=127.0.0.1"


def parsed(*arguments: str) -> Options:
    options = Options({})
    options.parseOptions(["--socket", "tcp://127.0.0.1:*", "--outbox", "none", *arguments])
    return options


def test_a_backend_may_be_scraped_at_the_page(tmp_path: Path) -> None:
    daemon = make_service(
        parsed("--store", f"{tmp_path}/s", "--backend", "prometheus", "--web", LOCAL)
    )
    slots = [one.backend for one in daemon.outboxes if isinstance(one.backend, BackendSlot)]
    (backend,) = [cast(Any, slot.current) for slot in slots if slot.name == "store"]
    assert isinstance(backend, StoreBackend)
    assert backend.store.daemon is not None
    assert backend.store.daemon.metrics is not None
    assert not [child for child in daemon if isinstance(child, MetricsService)]


def test_or_at_an_endpoint_of_its_own() -> None:
    daemon = make_service(parsed("--backend", f"prometheus:endpoint={LOCAL}"))
    assert len([child for child in daemon if isinstance(child, MetricsService)]) == 1


def test_where_there_is_neither_is_one_line() -> None:
    with pytest.raises(UsageError, match=r"^--backend prometheus: expected a page"):
        make_service(parsed("--backend", "prometheus"))
