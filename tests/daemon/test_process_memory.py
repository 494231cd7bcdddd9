"""The memory of the process: a plausible number of bytes, and none where nobody tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from zibrato.daemon.process_memory import resident_memory


def test_resident_memory_is_in_bytes() -> None:
    memory = resident_memory()
    assert memory is None or 2**20 < memory < 2**40


def test_it_is_unknown_where_the_platform_does_not_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_path: Path) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", fail)
    assert resident_memory() is None
