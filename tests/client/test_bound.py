"""What instruments hand out: bound to its buffers, it records without looking anything up."""

from __future__ import annotations

import pytest

from zibrato.client.arguments import Arguments
from zibrato.client.bound import CountMe, DirectCounter, DirectRecorder, DirectTimer, TimeMe
from zibrato.client.buffers import Buffers
from zibrato.client.recorder import Recorder
from zibrato.model import COUNTER, GAUGE, TIMER
from zibrato.wire import unpack


def arguments(mtype: str, name: str | None = "n") -> Arguments:
    return Arguments(name, 2, "info", mtype, None, None)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(Buffers(), disabled=False)


def test_each_kind_records_in_the_series_that_it_was_given(recorder: Recorder) -> None:
    CountMe(recorder, arguments(COUNTER)).count()
    TimeMe(recorder, arguments(TIMER)).record(0.5)
    DirectRecorder(recorder, arguments(GAUGE)).record(7)
    (rows,) = recorder.buffers.drain.take()
    assert [(row.count, row.sum) for row in rows.counters] == [(1, 2)]
    assert [list(unpack(row.samples)) for row in (*rows.timers, *rows.gauges)] == [[0.5], [7]]


def test_what_has_no_name_counts_as_dropped_until_it_gets_a_functions(recorder: Recorder) -> None:
    count, time = (
        CountMe(recorder, arguments(COUNTER, None)),
        TimeMe(recorder, arguments(TIMER, None)),
    )
    count.count()
    time.record(1)
    DirectRecorder(recorder, arguments(GAUGE, None)).record(1)
    assert recorder.buffers.dropped == {"argument": 3}

    def work() -> None: ...

    count(time(work))()
    (rows,) = recorder.buffers.drain.take()
    names = [row.name for row in rows.counters] + [row.name for row in rows.timers]
    assert [name.rpartition(".")[2] for name in names] == ["work"] * 2


def test_kinds_are_those_of_their_instruments() -> None:
    assert (CountMe.mtype, TimeMe.mtype) == (COUNTER, TIMER)
    direct = DirectCounter.mtype, DirectTimer.mtype, DirectRecorder.mtype
    assert direct == (COUNTER, TIMER, GAUGE)
