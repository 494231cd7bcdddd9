"""What is written, read back by Google's protobuf."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.backends.remote_write.prompb import series_of
from zibrato.backends.remote_write.protobuf import Sample, histogram, time_series, write_request
from zibrato.distribution import Distribution

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
TIMES = st.integers(0, 2**45)


@given(TEXT, st.lists(st.builds(Sample, TIMES, st.floats(allow_nan=False)), max_size=3))
def test_samples_are_read_as_they_were(text: str, samples: list[Sample]) -> None:
    body = write_request([time_series({"a": text, "__name__": "x"}, samples)])
    one = series_of(body)["x"]
    assert [(label.name, label.value) for label in one.labels] == [("__name__", "x"), ("a", text)]
    assert [(sample.timestamp, sample.value) for sample in one.samples] == samples


@given(st.lists(st.just(0.0) | st.floats(1e-9, 1e9), max_size=40), TIMES)
def test_a_histogram_is_read_bucket_for_bucket(samples: list[float], time: int) -> None:
    distribution = Distribution(samples)
    distribution.spill()
    made = histogram(time, len(samples), sum(samples), distribution)
    (read,) = series_of(time_series({"__name__": "x"}, (), [made]))["x"].histograms
    assert (read.count_int, read.sum, read.timestamp) == (len(samples), sum(samples), time)
    assert (read.schema, read.zero_count_int) == (6, distribution.zeros)
    index, count, deltas, buckets = 0, 0, iter(read.positive_deltas), {}
    for span in read.positive_spans:
        index += span.offset
        for _ in range(span.length):
            count += next(deltas)
            buckets[index] = count
            index += 1
    assert buckets == dict(distribution.buckets)
