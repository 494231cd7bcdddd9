"""Names and labels that Prometheus takes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zibrato.backends.prometheus.names import base_name, labels_of, legal_name, translated
from zibrato.model import COUNTER, GAUGE, TIMER, Series

TEXT = st.text(min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("kind", "name", "base"),
    [
        (COUNTER, "shop.orders", "shop_orders"),
        (COUNTER, "orders_total", "orders"),
        (COUNTER, "_total", "_total"),
        (TIMER, "work_seconds", "work"),
        (GAUGE, "orders_total", "orders_total"),
        (GAUGE, "5xx:é", "_5xx__"),
    ],
)
def test_a_name_is_legal_and_has_its_suffix_once(kind: str, name: str, base: str) -> None:
    assert base_name(kind, name) == base


def test_no_label_is_lost_or_taken_for_another() -> None:
    tags = (("a-b", "1"), ("a.b", "2"), ("__x", "3"), ("level", "4"), ("source", "5"))
    labels = labels_of(translated(Series(GAUGE, "depth", "web1", tags, "debug")))
    assert labels == {
        "a_b": "1;2", "_x": "3", "exported_level": "4", "exported_source": "5",
        "source": "web1", "level": "debug",
    }  # fmt: skip


@given(TEXT, st.dictionaries(TEXT, TEXT, max_size=3))
def test_whatever_is_measured_gets_legal_names(name: str, tags: dict[str, str]) -> None:
    assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", legal_name(name))
    series = translated(Series(GAUGE, name, "here", tuple(sorted(tags.items()))))
    for label in labels_of(series):
        assert re.fullmatch(r"(?!__)[A-Za-z_][A-Za-z0-9_]*", label)
