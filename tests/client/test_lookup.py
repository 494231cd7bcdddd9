"""The look-up of instruments: made once for the same arguments, within a bound."""

from __future__ import annotations

from typing import Any

from zibrato.client.buffers import Buffers
from zibrato.client.instruments import Instruments
from zibrato.client.lookup import MAX_CACHED
from zibrato.client.recorder import Recorder


def instruments() -> Instruments:
    return Instruments(Recorder(Buffers(), disabled=False))


def test_the_same_arguments_give_the_same_instrument() -> None:
    z = instruments()
    assert z.count_me("n") is z.count_me("n") is z.count_me(name="n")
    assert z.time_me("n", level="error") is z.time_me("n", level="error")
    assert z.time_me("n", level="error") is not z.time_me("n", level="debug")
    assert z.count_me("n", value=2) is not z.count_me("n", value=3)
    z.gauge("n", 1, level="error")
    before = dict(z._instruments)
    z.gauge("n", 2, level="error")
    assert z._instruments == before


def test_tags_and_what_is_not_pythons_own_are_kept_by_nobody() -> None:
    class Name(str):
        __slots__ = ()

    z: Any = instruments()
    z.count("n", tags={"a": "b"})
    z.count(Name("n"))
    z.count("n", level=Name("info"))
    z.count("n", junk=object())
    assert not z._counts
    assert not [key for key in z._instruments if len(key) > 3 or Name in map(type, key)]


def test_instruments_made_at_run_time_do_not_pile_up() -> None:
    z = instruments()
    for number in range(MAX_CACHED + 50):
        z.gauge(name=str(number), value=1)
        z.gauge(name=str(number), value=1, level="error")
    assert len(z._instruments) == len(z._gauges) == MAX_CACHED
    assert list(z._recorder.buffers.drain.take())
    assert z._recorder.buffers.dropped == {"max_series": MAX_CACHED + 100}
