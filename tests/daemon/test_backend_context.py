"""What backends are told of their daemon."""

from __future__ import annotations

from pathlib import Path

from tests.fake_reactor import FakeReactor
from zibrato.daemon.backend_context import backend_context
from zibrato.daemon.options import Options
from zibrato.interfaces import BackendContext


def context(*arguments: str) -> BackendContext:
    options = Options({})
    options.parseOptions(["--backend", "memory", *arguments])
    return backend_context(FakeReactor(), options.settings, {}, lambda *_value, **_tags: None)


def test_the_outbox_s_file_is_no_backend_s_and_theirs_lie_beside_it(tmp_path: Path) -> None:
    made = context(f"--outbox={tmp_path}/o", "--socket=ipc:///s", "--percentiles=50")
    assert made.files == {tmp_path / "o"}
    assert made.state("totals") == tmp_path / "o.totals"
    assert (made.sockets, made.percentiles, made.is_trial) == (["ipc:///s"], (50.0,), False)


def test_without_an_outbox_there_is_no_file() -> None:
    made = context("--outbox=none")
    assert (made.files, made.state("totals")) == (set(), None)
