"""Direct calls: what each records.

Calls with wrong arguments are in test_instruments_wrong and test_instruments_hostile.
"""

from __future__ import annotations

from tests.client.recorded import RecordedInstruments


def test_direct_calls() -> None:
    z = RecordedInstruments()
    z.count(name="c", value=-2)
    z.count("c")
    z.timing(name="t", value=0.25)
    z.gauge("g", 7)
    set_level = z.bind_gauge("bound")
    set_level(5)
    handle = z.count_me(name="handle", value=0.5)
    handle.count()
    handle.count()
    z.time_me(name="t").record(0.75)
    assert z.rows() == {
        ("counter", "c"): (2, -1),
        ("timer", "t"): (2, 1.0),
        ("gauge", "g"): (1, 7),
        ("gauge", "bound"): (1, 5),
        ("counter", "handle"): (2, 1.0),
    }
