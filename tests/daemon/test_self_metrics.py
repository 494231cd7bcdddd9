"""What the daemon measures of itself."""

from zibrato.daemon.self_metrics import SelfMetrics
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
    metrics = SelfMetrics()
    assert metrics.total("zibrato.x") == 0
    metrics.count("zibrato.x")
    metrics.count("zibrato.x", 4)
    metrics.batch(1.0)
    metrics.count("zibrato.x", 2)
    assert metrics.total("zibrato.x") == 7


def test_a_total_covers_all_series_with_the_tags_asked_for() -> None:
    metrics = SelfMetrics()
    metrics.count("zibrato.dropped", 1, backend="a", reason="full")
    metrics.count("zibrato.dropped", 2, reason="old", backend="a")
    metrics.count("zibrato.dropped", 4, backend="b", reason="full")
    metrics.count("zibrato.other", 8, backend="a")
    assert metrics.total("zibrato.dropped") == 7
    assert metrics.total("zibrato.dropped", backend="a") == 3
    assert metrics.total("zibrato.dropped", reason="full") == 5
    assert metrics.total("zibrato.dropped", reason="full", backend="b") == 4
    assert metrics.total("zibrato.dropped", backend="c") == 0


def test_the_order_of_tags_makes_no_other_series() -> None:
    metrics = SelfMetrics()
    metrics.count("zibrato.x", a="1", b="2")
    metrics.count("zibrato.x", b="2", a="1")
    assert len(metrics.totals) == 1
    assert counters(metrics.batch(0.0)) == {("zibrato.x", "info", "a=1,b=2"): (1, 2)}


def test_a_batch_holds_what_is_new_since_the_last() -> None:
    metrics = SelfMetrics()
    metrics.count("zibrato.x", 3)
    first = metrics.batch(10.0)
    assert counters(first) == {("zibrato.x", "info", ""): (1, 3)}
    assert (first.start, first.end, first.version) == (10.0, 10.0, VERSION)
    assert counters(metrics.batch(20.0)) == {}
    metrics.count("zibrato.x", 2)
    metrics.count("zibrato.none", 0)
    third = metrics.batch(30.0)
    assert counters(third) == {("zibrato.x", "info", ""): (1, 2)}
    assert third.sequence == first.sequence + 2
    assert third.client == first.client


def test_what_was_counted_is_one_measurement_whatever_its_count() -> None:
    metrics = SelfMetrics()
    for _ in range(5):
        metrics.count("zibrato.intake.received", 1000)
        ((count, total),) = counters(metrics.batch(0.0)).values()
        assert (count, total) == (1, 1000)


def test_losses_go_out_as_warnings() -> None:
    metrics = SelfMetrics()
    metrics.count("zibrato.rejected", reason="name")
    metrics.count("zibrato.received", backend="a")
    assert {(name, level) for name, level, _ in counters(metrics.batch(0.0))} == {
        ("zibrato.rejected", "warning"),
        ("zibrato.received", "info"),
    }


def test_gauges_go_out_in_every_batch_with_their_newest_reading() -> None:
    metrics = SelfMetrics()
    metrics.gauge("zibrato.depth", 3, backend="a")
    metrics.gauge("zibrato.depth", 5.5, backend="a")
    metrics.gauge("zibrato.memory", 1e9)
    for _ in range(2):
        batch = metrics.batch(0.0)
        assert gauges(batch) == {"zibrato.depth": [5.5], "zibrato.memory": [1e9]}
        assert {row.name: row.tags for row in batch.gauges}["zibrato.depth"] == {"backend": "a"}
    metrics.gauge("zibrato.depth", 0, backend="a")
    assert gauges(metrics.batch(0.0))["zibrato.depth"] == [0.0]


def test_what_is_now_is_counted_since_the_start() -> None:
    metrics = SelfMetrics()
    metrics.count("zibrato.x", 3, reason="old")
    metrics.batch(10.0)
    metrics.count("zibrato.x", 1, reason="old")
    metrics.gauge("zibrato.y", 1.0)
    metrics.gauge("zibrato.y", 2.5)
    assert metrics.current() == [
        ("counter", "zibrato.x", (("reason", "old"),), 4),
        ("gauge", "zibrato.y", (), 2.5),
    ]
