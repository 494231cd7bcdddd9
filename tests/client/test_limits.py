"""Limits: what can't be meant is rejected where it is given, in one line."""

from __future__ import annotations

import math
from typing import Any

import pytest

from zibrato import Zibrato
from zibrato.client import limits
from zibrato.tx import TxZibrato

WRONG_SECONDS: list[object] = [
    "x",
    None,
    [],
    1j,
    True,
    -1,
    -1e-9,
    math.nan,
    math.inf,
    1e300,
    10**400,
]
WRONG_NUMBERS: list[object] = ["x", None, [], 1.5, math.nan, math.inf, True, 0, -1, 10**400]


@pytest.mark.parametrize("given", WRONG_SECONDS)
@pytest.mark.parametrize("client", [Zibrato, TxZibrato])
def test_a_linger_that_is_no_time_is_rejected_by_the_client(client: Any, given: object) -> None:
    with pytest.raises(
        (TypeError, ValueError), match=r"\Alinger: expected seconds from 0 to 86400"
    ):
        client("ipc:///tmp/never", linger=given)


@pytest.mark.parametrize("given", WRONG_NUMBERS)
@pytest.mark.parametrize("client", [Zibrato, TxZibrato])
def test_a_bound_that_is_no_number_is_rejected_by_the_client(client: Any, given: object) -> None:
    with pytest.raises((TypeError, ValueError), match=r"\Amax_pending: expected a whole number"):
        client("ipc:///tmp/never", max_pending=given)


@pytest.mark.parametrize("given", [*WRONG_SECONDS, 0])
def test_an_interval_that_is_no_time_is_rejected(given: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"\Ainterval: expected seconds from 0.001"):
        TxZibrato("ipc:///tmp/never", interval=given)


def test_what_can_be_meant_passes() -> None:
    assert (limits.linger(0), limits.linger(2.5), limits.linger(86_400)) == (0, 2.5, 86_400)
    assert (limits.max_pending(1), limits.max_pending(10**9)) == (1, 10**9)
    assert limits.interval(0.25) == 0.25
