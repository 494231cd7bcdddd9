"""What the daemon measures of itself."""

from zibrato.vitals import Vitals
from zibrato.wire import VERSION, Batch, unpack


def counters(batch: Batch) -> dict[tuple[str, str, str], tuple[int, float]]:
    """Return count and sum by name, level and tags."""
    return {
        (row.name, row.level, ",".join(f"{k}={v}" for k, v in row.tags.items())): (
            row.count,
            row.sum,
        )
        for row in batch.counters
    }


def gauges(batch: Batch) -> dict[str, list[float]]:
    return {row.name: unpack(row.samples).tolist() for row in batch.gauges}


def test_totals_add_up_since_the_start() -> None:
    vitals = Vitals()
    assert vitals.total("zibrato.x") == 0
    vitals.count("zibrato.x")
    vitals.count("zibrato.x", 4)
    vitals.batch(1.0)
    vitals.count("zibrato.x", 2)
    assert vitals.total("zibrato.x") == 7


def test_a_total_covers_all_series_with_the_tags_asked_for() -> None:
    vitals = Vitals()
    vitals.count("zibrato.lost", 1, backend="a", reason="full")
    vitals.count("zibrato.lost", 2, reason="old", backend="a")
    vitals.count("zibrato.lost", 4, backend="b", reason="full")
    vitals.count("zibrato.other", 8, backend="a")
    assert vitals.total("zibrato.lost") == 7
    assert vitals.total("zibrato.lost", backend="a") == 3
    assert vitals.total("zibrato.lost", reason="full") == 5
    assert vitals.total("zibrato.lost", reason="full", backend="b") == 4
    assert vitals.total("zibrato.lost", backend="c") == 0


def test_the_order_of_tags_makes_no_other_series() -> None:
    vitals = Vitals()
    vitals.count("zibrato.x", a="1", b="2")
    vitals.count("zibrato.x", b="2", a="1")
    assert len(vitals.totals) == 1
    assert counters(vitals.batch(0.0)) == {("zibrato.x", "info", "a=1,b=2"): (1, 2)}


def test_a_batch_holds_what_is_new_since_the_last() -> None:
    vitals = Vitals()
    vitals.count("zibrato.x", 3)
    first = vitals.batch(10.0)
    assert counters(first) == {("zibrato.x", "info", ""): (1, 3)}
    assert (first.start, first.end, first.version) == (10.0, 10.0, VERSION)
    assert counters(vitals.batch(20.0)) == {}
    vitals.count("zibrato.x", 2)
    vitals.count("zibrato.none", 0)
    third = vitals.batch(30.0)
    assert counters(third) == {("zibrato.x", "info", ""): (1, 2)}
    assert third.sequence == first.sequence + 2
    assert third.client == first.client


def test_what_was_counted_is_one_measurement_whatever_its_count() -> None:
    vitals = Vitals()
    for _ in range(5):
        vitals.count("zibrato.intake.received", 1000)
        ((count, total),) = counters(vitals.batch(0.0)).values()
        assert (count, total) == (1, 1000)


def test_losses_go_out_as_warnings() -> None:
    vitals = Vitals()
    vitals.count("zibrato.rejected", reason="name")
    vitals.count("zibrato.received", backend="a")
    assert {(name, level) for name, level, _ in counters(vitals.batch(0.0))} == {
        ("zibrato.rejected", "warning"),
        ("zibrato.received", "info"),
    }


def test_gauges_go_out_in_every_batch_with_their_newest_reading() -> None:
    vitals = Vitals()
    vitals.gauge("zibrato.depth", 3, backend="a")
    vitals.gauge("zibrato.depth", 5.5, backend="a")
    vitals.gauge("zibrato.memory", 1e9)
    for _ in range(2):
        batch = vitals.batch(0.0)
        assert gauges(batch) == {"zibrato.depth": [5.5], "zibrato.memory": [1e9]}
        assert {row.name: row.tags for row in batch.gauges}["zibrato.depth"] == {"backend": "a"}
    vitals.gauge("zibrato.depth", 0, backend="a")
    assert gauges(vitals.batch(0.0))["zibrato.depth"] == [0.0]
