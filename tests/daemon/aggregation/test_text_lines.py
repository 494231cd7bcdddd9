"""Lines gathered over many frames: the same as each read for itself, in fewer rows."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zibrato.daemon.aggregation.text_frame import decode_text
from zibrato.daemon.aggregation.text_lines import MAX_HEAD, MAX_HEADS, TextLines
from zibrato.lines import Gathered, LineBatch
from zibrato.wire import Batch, unpack

NOW = 1_700_000_000.0
LINES = st.lists(
    st.sampled_from(["info", "", "warn", " x"]).flatmap(
        lambda level: st.tuples(
            st.just(level),
            st.sampled_from(["counter", "TIMER", "gauge", "set", ""]),
            st.sampled_from(["hits", " hits", "", "ä"]),
            st.sampled_from(["1", "-2.5", " 3 ", "+4", "nan", "1e999", "", "1,2"]),
            st.sampled_from(["", "1000.5", "x"]),
            st.sampled_from(["", "web1"]),
        )
    ).flatmap(lambda fields: st.integers(1, 6).map(lambda size: "|".join(fields[:size])))
    | st.sampled_from(["", "  ", "|", "|x", "||||||||"]),
    min_size=1,
    max_size=8,
)  # fmt: skip


def gathered(*frames: bytes) -> Gathered:
    reader = TextLines()
    reader.split(frames)
    return reader.take(NOW)


def said(batches: Iterator[Batch | LineBatch]) -> dict[object, float]:
    """Return all that batches say, whatever their rows."""
    content: defaultdict[object, float] = defaultdict(float)
    for batch in batches:
        for row in batch.counters:
            content[batch.end, "count", row.name, row.level, row.source] += row.count
            content[batch.end, "sum", row.name, row.level, row.source] += row.sum
        for kind in ("timers", "gauges"):
            for row in getattr(batch, kind):
                for sample in unpack(row.samples):
                    content[batch.end, kind, row.name, row.level, row.source, sample] += 1
    return content


@given(st.lists(LINES, min_size=1, max_size=4))
@example([["|"], ["|x"], ["info|counter|hits|1", "info|counter|hits|1|1000.5"]])
def test_lines_say_the_same_together_as_alone(frames: list[list[str]]) -> None:
    encoded = ["\n".join(lines).encode() for lines in frames]
    together = gathered(*encoded)
    alone = [decode_text(frame, NOW) for frame in encoded]
    one_by_one: Iterator[Batch] = (batch for part in alone for batch in part.batches)
    assert said(iter(together.batches)) == said(one_by_one)
    rejected: Counter[str] = sum((Counter(part.rejected) for part in alone), Counter())
    del rejected["empty"]  # of whole frames, which are turned away before
    assert Counter(together.rejected) == rejected


def test_a_series_is_one_row_however_many_frames_there_are() -> None:
    batch, *others = gathered(*[b"info|timer|t|%d" % n for n in range(100)]).batches
    assert others == []
    (row,) = batch.timers
    assert unpack(row.samples).tolist() == [*map(float, range(100))]


def test_a_frame_that_is_no_utf_8_is_rejected_alone() -> None:
    lines = gathered(b"info|counter|a|1\n\xff\ninfo|counter|a|1", b"info|counter|\xc3\xa4|2")
    assert lines.rejected == {"encoding": 1}
    assert [row.name for row in lines.batches[0].counters] == ["ä"]


@pytest.mark.attack("text lines of endless names", before="a batch of its own for each frame")
def test_what_is_known_of_heads_is_bounded() -> None:
    reader = TextLines()
    for start in range(0, 3 * MAX_HEADS, 1000):
        reader.split([b"info|counter|%d|1" % number for number in range(start, start + 1000)])
        assert reader.pending == reader.heads == 1000
        assert len(reader.take(NOW).batches[0].counters) == 1000
        assert reader.pending == reader.heads == 0
    reader.split([b"info|counter|%b|1" % (b"x" * MAX_HEAD)])
    reader.take(NOW)
    assert len(reader._heads) <= MAX_HEADS
    assert max(map(len, reader._heads)) <= MAX_HEAD
