"""Which file the totals have, and what is said where it can't be had."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from twisted.logger import capturedLogs

from tests.fake_reactor import FakeReactor
from zibrato.backends.totals import Totals
from zibrato.backends.totals_place import totals_of
from zibrato.files.file_lock import FileLock
from zibrato.interfaces import BackendContext


def path_of(totals: Totals) -> Path | None:
    return None if totals.file is None else totals.file.path


def test_each_backend_of_a_name_has_a_file_of_its_own(tmp_path: Path) -> None:
    context = BackendContext(FakeReactor(), (), state=lambda name: tmp_path / f"outbox.{name}")
    every = [totals_of({}, context, "otlp") for _ in range(2)]
    assert [path_of(one) for one in every] == [tmp_path / "outbox.otlp", tmp_path / "outbox.otlp-2"]


def test_one_with_a_name_of_its_own_has_that_file_whatever_else_there_is(tmp_path: Path) -> None:
    for names in (("otlp", "a", "b"), ("b", "a"), ("b",)):
        context = BackendContext(FakeReactor(), (), state=lambda name: tmp_path / f"outbox.{name}")
        totals = {name: totals_of({}, replace(context, name=name), "otlp") for name in names}
        assert path_of(totals["b"]) == tmp_path / "outbox.otlp.b"
        assert "otlp" not in totals or path_of(totals["otlp"]) == tmp_path / "outbox.otlp"
        for one in totals.values():
            assert one.file is not None
            one.file.close()


def test_none_is_none(tmp_path: Path) -> None:
    context = BackendContext(FakeReactor(), (), state=lambda name: tmp_path / name)
    assert path_of(totals_of({"totals": "none"}, context, "otlp")) is None
    assert path_of(totals_of({}, BackendContext(FakeReactor(), ()), "otlp")) is None


def test_a_file_that_another_has_is_an_error_where_it_was_named(tmp_path: Path) -> None:
    path = tmp_path / "totals"
    context = BackendContext(FakeReactor(), (), state=lambda _: path)
    lock = FileLock(path)
    with capturedLogs() as events:
        assert path_of(totals_of({}, context, "otlp")) is None
    assert "start from zero" in str(events[0]["log_format"])
    context.files.clear()
    with pytest.raises(ValueError, match=r"totals: another daemon has .*; give another file"):
        totals_of({"totals": str(path)}, context, "otlp")
    lock.close()


@pytest.mark.parametrize("settings", [{}, {"totals": "totals"}])
def test_a_backend_in_the_place_of_another_has_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    monkeypatch.chdir(tmp_path)
    context = BackendContext(FakeReactor(), (), state=lambda _: tmp_path / "totals")
    before = totals_of(settings, context, "otlp")
    context.files.clear()  # as what puts it there hides them
    after = totals_of(settings, context, "otlp")
    assert path_of(before) == path_of(after) == tmp_path / "totals"
    assert before.file is not None
    before.file.close()
    with pytest.raises(BlockingIOError):
        FileLock(tmp_path / "totals")
    assert after.file is not None
    after.file.close()
    FileLock(tmp_path / "totals").close()


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected a file, got the directory"):
        totals_of({"totals": str(tmp_path)}, BackendContext(FakeReactor(), ()), "otlp")
