"""Which series a request is about."""

from __future__ import annotations

import pytest

from zibrato.model import GAUGE, Series
from zibrato.store.api.composite_tree import Selection
from zibrato.store.api.responses import ApiError
from zibrato.store.api.selection import of_sources, of_term, source_of, tags_of, with_tags

SERIES = {
    1: Series(GAUGE, "Cpu.0", "Web-1", (("host", "a"), ("Region", "US"))),
    2: Series(GAUGE, "cpu.1", "web-2", (("host", "b"),)),
    3: Series(GAUGE, "ram", "", (("host", "c"), ("region", "eu"))),
    4: Series(GAUGE, "ram", ""),
}


def test_without_a_source_it_is_unassigned_and_no_tag() -> None:
    assert (source_of(SERIES[4]), source_of(SERIES[1])) == ("unassigned", "Web-1")
    assert tags_of(SERIES[2]) == {"host": "b", "source": "web-2"}
    assert tags_of(SERIES[3]) == {"host": "c", "region": "eu"}


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({}, [1, 2, 4]),
        ({"sources": ["*"]}, [1, 2, 4]),
        ({"sources": ["WEB-1"]}, [1]),
        ({"source": ["web-*"], "sources": ["unassigned"]}, [1, 2, 4]),
        ({"sources": ["nix"]}, []),
    ],
)
def test_sources_in_any_case(params: dict[str, list[str]], ids: list[int]) -> None:
    assert [*of_sources(SERIES, params)] == ids


@pytest.mark.parametrize(
    ("term", "ids"),
    [
        (Selection("CPU.*", "web*"), [1, 2]),
        (Selection("*", "unassigned"), [3, 4]),
        (Selection("ram", "*"), [3, 4]),
        (Selection("*"), [1, 2, 3, 4]),
        (Selection("*", tags=(("host", "*"),)), [1, 2, 3]),
        (Selection("*", tags=(("region", "us"), ("HOST", "A"))), [1]),
        (Selection("*", tags=(("source", "WEB-*"),)), [1, 2]),
        (Selection("ram", tags=(("host", "a"),)), []),
    ],
)
def test_a_term_selects_by_metric_and_source_or_tags(term: Selection, ids: list[int]) -> None:
    assert [series_id for series_id, _ in of_term(SERIES.items(), term)] == ids


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ({}, [1, 2, 3, 4]),
        ({"tags[HOST]": ["A", "c"]}, [1, 3]),
        ({"tags[region]": ["us"]}, [1]),
        ({"tags[source]": ["web-*"]}, [1, 2]),
        ({"tags[host]": ["a"], "tags[region]": ["eu"]}, []),
        ({"tags[region]": ["!us"]}, [3]),
        ({"tags[host]": ["!a", "!b"]}, [3]),
        ({"tags[host]": ["!a", "b", "c"]}, [2, 3]),
        ({"tags[!Region]": ["1"]}, [2, 4]),
        ({"tags[region]": ["*"]}, [1, 3]),
        ({"tags_search": ["region=us"]}, [1]),
        ({"tags_search": ["region=us or (host=b and source=web*)"]}, [1, 2]),
        ({"tags_search": ["region!=us"]}, [2, 3, 4]),
        ({"tags_search": ["not region=us AND host=b"]}, [2]),
        ({"tags_search": ["not region!=us"]}, [1]),
        ({"tags_search": ['host="a"', "region=u*"]}, [1]),
        ({"tags_search": [" "]}, [1, 2, 3, 4]),
    ],
)
def test_tags_choose(params: dict[str, list[str]], ids: list[int]) -> None:
    assert [*with_tags(SERIES, params)] == ids


def test_a_search_that_is_not_understood_is_named() -> None:
    with pytest.raises(ApiError) as caught:
        with_tags(SERIES, {"tags_search": ["host=a and ((b"]})
    assert "'b' is not understood" in str(caught.value.errors)
