"""Every measurement is accounted for, whatever comes."""

from array import array
from math import inf, isfinite, nan
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import astuple

from tests.daemon.aggregation.aggregators import HUGE, LONG, LONGEST, NOW, Setup
from zibrato.levels import LevelFilter
from zibrato.model import MAX_EXACT_INT, TIMER, Series, Summary
from zibrato.wire import Batch, CounterRow, SampleRow, pack

ODD_TEXT = st.sampled_from(["", "a", "b", LONGEST, LONG, "\ud800", "a|b\n", "\0"]) | st.text(
    st.characters(), max_size=5
)
ODD_LEVELS = ODD_TEXT | st.sampled_from(["info", "debug", "WARN", "30", "9" * 40, "audit", "i nfo"])
ODD_TAGS = st.dictionaries(ODD_TEXT, ODD_TEXT, max_size=2) | st.just(
    {str(number): "v" for number in range(51)}
)
ODD_FLOATS = st.floats() | st.sampled_from([0.0, -0.0, 1.0, -1.0, HUGE, -HUGE, nan, inf, -inf])
GOOD: tuple[st.SearchStrategy[Any], ...] = (
    st.sampled_from("abc"),
    st.sampled_from(["info", "debug", "WARN"]),
    st.sampled_from([None, "there"]),
    st.sampled_from([{}, {"k": "v"}]),
)
ODD: tuple[st.SearchStrategy[Any], ...] = (ODD_TEXT, ODD_LEVELS, st.none() | ODD_TEXT, ODD_TAGS)
COUNTS = st.integers(-(2**63), 2**64 - 1) | st.integers(-2, 10) | st.just(MAX_EXACT_INT)
PACKED = st.lists(ODD_FLOATS, max_size=6).map(lambda values: pack(array("d", values)))
COUNTERS = st.builds(CounterRow, *GOOD, COUNTS, ODD_FLOATS) | st.builds(
    CounterRow, *ODD, COUNTS, ODD_FLOATS
)
SAMPLES = st.builds(SampleRow, *GOOD, PACKED | st.binary(max_size=20)) | st.builds(
    SampleRow, *ODD, PACKED
)
TIMES = ODD_FLOATS | st.floats(NOW - 8000, NOW + 100)
BATCHES = st.builds(
    Batch,
    st.just(1),
    st.just("c"),
    st.just(1),
    TIMES,
    TIMES,
    st.lists(COUNTERS, max_size=4),
    st.lists(SAMPLES, max_size=4),
    st.lists(SAMPLES, max_size=4),
)


@settings(deadline=None)
@given(
    st.lists(BATCHES, max_size=6),
    st.integers(0, 4) | st.just(1000),
    st.sampled_from(["", "info", "warning+", "debug,audit"]),
    st.data(),
)
def test_every_measurement_is_accounted_for(
    batches: list[Batch], max_series: int, levels: str, data: st.DataObject
) -> None:
    setup = Setup(LevelFilter.parse(levels), max_series)
    for batch in batches:
        setup.aggregator.add(batch, NOW)
        setup.account()
        assert setup.aggregator.open_series <= max_series
        if data.draw(st.booleans()):
            setup.close(data.draw(st.floats(NOW - 8000, NOW + 100)))
            setup.account()
    setup.close()
    assert setup.aggregator.pending == 0
    assert setup.aggregator.open_series == 0
    setup.account()
    for snapshot in setup.snapshots:
        assert NOW - 7210 <= snapshot.start <= NOW + 10
        for series, summary in snapshot.summaries.items():
            check_summary(series, summary)


def check_summary(series: Series, summary: Summary) -> None:
    """Assert what every backend may rely on."""
    assert 1 <= len(series.name) <= 255
    assert 1 <= len(series.source) <= 255
    assert list(series.tags) == sorted(series.tags)
    assert summary.count > 0
    assert all(isfinite(value) for value in astuple(summary)[:6])
    assert (summary.distribution is not None) == (series.kind == TIMER)
    assert summary.min <= summary.max
    if summary.distribution is not None:
        assert summary.distribution.count == summary.count
        assert 0 <= summary.min <= summary.distribution.percentile(50) <= summary.max
