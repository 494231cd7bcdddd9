"""The store on the command line."""

from __future__ import annotations

import pytest

from zibrato.store.db.series_index import MAX_SERIES
from zibrato.store.options import ASKED_BY, OPTIONS, WEB, settings
from zibrato.store.web.endpoint import is_local


def test_the_path_is_what_was_given() -> None:
    assert settings({"store": "/a/b"}, {})["path"] == "/a/b"
    assert settings({"store": None}, {})["path"] == ""


def test_so_many_series_are_in_memory_as_is_said() -> None:
    assert settings({"store": None, "max-stored-series": "7"}, {})["max_stored_series"] == "7"
    assert settings({"store": None}, {})["max_stored_series"] == str(MAX_SERIES)
    for number in ("0", "-1", "1.5", "many"):
        with pytest.raises(ValueError, match="--max-stored-series: expected a whole number from 1"):
            settings({"store": None, "max-stored-series": number}, {})


def test_its_file_alone_asks_for_it() -> None:
    defaults = {option.name: option.default for option in OPTIONS}
    assert defaults == {ASKED_BY: None, "max-stored-series": str(MAX_SERIES)}


def test_its_page_is_for_this_host_alone() -> None:
    assert is_local(WEB)
