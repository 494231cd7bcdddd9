"""The store on the command line."""

from __future__ import annotations

from zibrato.store.options import ASKED_BY, OPTIONS, WEB, settings
from zibrato.store.web.service import is_local


def test_the_path_is_what_was_given() -> None:
    assert settings({"store": "/a/b"}, {}) == {"path": "/a/b"}
    assert settings({"store": None}, {}) == {"path": ""}


def test_its_one_option_asks_for_it() -> None:
    assert [(option.name, option.default) for option in OPTIONS] == [(ASKED_BY, None)]


def test_its_page_is_for_this_host_alone() -> None:
    assert is_local(WEB)
