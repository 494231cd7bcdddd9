"""Samples of rows: good ones are told from others, alone and together."""

from __future__ import annotations

import struct
from array import array
from math import inf, isfinite, nan
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.aggregation.aggregators import HUGE, samples
from zibrato.daemon.aggregation import digest
from zibrato.daemon.aggregation.samples import SAMPLE_BYTES, are_sound, good_samples, unpack_sample
from zibrato.model import GAUGE, TIMER
from zibrato.wire import pack

GOOD = samples(*[0.5] * digest.WORTH_IT)


def test_one_sample_is_eight_bytes_little_endian() -> None:
    data = struct.pack("<d", 2.5)
    assert len(data) == SAMPLE_BYTES
    assert unpack_sample(data) == (2.5,)


@given(st.lists(st.floats()), st.sampled_from([TIMER, GAUGE]))
def test_every_sample_is_good_or_counted(values: list[float], kind: str) -> None:
    good, others = good_samples(kind, pack(array("d", values)))
    assert list(good) == [v for v in values if isfinite(v) and (kind == GAUGE or v >= 0)]
    assert len(good) + others == len(values)


def test_samples_whose_sum_is_beyond_a_float_are_good() -> None:
    assert good_samples(TIMER, pack(array("d", [HUGE, HUGE]))) == (array("d", [HUGE, HUGE]), 0)


def test_bytes_that_are_no_floats_are_an_error() -> None:
    with pytest.raises(ValueError, match="multiple"):
        good_samples(TIMER, b"123456789")


@pytest.mark.parametrize("odd", [nan, inf, -inf, -1.0])
def test_rows_are_sound_together_or_not_known_to_be(odd: float) -> None:
    pytest.importorskip("numpy", reason="the extra zibrato[numpy] is not installed")
    assert are_sound([GOOD, samples(0.0)])
    assert not are_sound([GOOD, samples(odd)])
    assert not are_sound([samples(1.0), samples(2.0)])
    with patch.object(digest, "numpy", None):
        assert not are_sound([GOOD, samples(0.0)])


def test_rows_of_broken_floats_are_not_sound_though_their_bytes_add_up() -> None:
    broken = GOOD.samples[:4]
    halves = [GOOD, *[type(GOOD)("a", "info", None, {}, broken) for _ in range(2)]]
    assert sum(len(row.samples) for row in halves) % SAMPLE_BYTES == 0
    assert not are_sound(halves)
