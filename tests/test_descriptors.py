"""The limit of descriptors is raised as far as it may be, and never lowered."""

from __future__ import annotations

import resource
from unittest.mock import patch

import pytest

from zibrato.descriptors import ENOUGH, connection_limit, descriptor_limit, raise_descriptor_limit

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "wanted"),
    [
        (1024, 4096, 4096),
        (1024, UNLIMITED, ENOUGH),
        (1024, 1 << 30, ENOUGH),
        (1024, 1024, None),
        (1 << 20, 1 << 30, None),
        (UNLIMITED, UNLIMITED, None),
    ],
)
def test_the_soft_limit_becomes_the_hard_one(soft: int, hard: int, wanted: int | None) -> None:
    with (
        patch("resource.getrlimit", return_value=(soft, hard)),
        patch("resource.setrlimit") as setrlimit,
    ):
        raise_descriptor_limit()
        calls = [call.args for call in setrlimit.call_args_list]
    assert calls == ([] if wanted is None else [(resource.RLIMIT_NOFILE, (wanted, hard))])


def test_no_limit_is_as_good_as_enough() -> None:
    for soft, limit in ((256, 256), (UNLIMITED, ENOUGH), (1 << 30, ENOUGH)):
        with patch("resource.getrlimit", return_value=(soft, soft)):
            assert descriptor_limit() == limit


def test_three_servers_leave_a_quarter_of_the_descriptors() -> None:
    for soft, limit in ((256, 64), (4096, 1000), (UNLIMITED, 1000)):
        with patch("resource.getrlimit", return_value=(soft, soft)):
            assert connection_limit(1000) == limit
