"""Lines of samples, for a scrape and for an export; parsers read them in test_exposition.py."""

from __future__ import annotations

from zibrato.backends.prometheus.text import LE, histogram_lines, labels_text, sample_line
from zibrato.model import GAUGE, Series


def test_a_label_that_is_empty_is_left_out() -> None:
    assert labels_text(Series(GAUGE, "x", "", (("a", "b"), ("c", "")))) == 'a="b",level="info"'


def test_what_would_end_a_label_is_escaped() -> None:
    assert labels_text(Series(GAUGE, "x", 'a"b\\c\nd')).startswith('source="a\\"b\\\\c\\nd",')


def test_a_sample_may_have_a_time() -> None:
    assert sample_line("x", 'a="b"', 1.0) == 'x{a="b"} 1.0\n'
    assert sample_line("x", 'a="b"', 1.5e16, 7) == 'x{a="b"} 1.5e+16 7\n'


def test_a_histogram_has_each_bound_and_the_number_at_the_end() -> None:
    *buckets, count, total = histogram_lines("x", 'a="b"', [*range(len(LE))], 0.5).splitlines()
    assert buckets[0] == 'x_bucket{a="b",le="1.52587890625e-05"} 0'
    assert buckets[-1] == 'x_bucket{a="b",le="+Inf"} 25'
    assert (count, total) == ('x_count{a="b"} 25', 'x_sum{a="b"} 0.5')
    assert histogram_lines("x", "", [0] * len(LE), 0.0).startswith('x_bucket{le="')
