"""The search for what is rejected: each item ends once, in few requests, and nobody wrongly."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zibrato.backends.bisection import MAX_ITEMS, PROBES, Bisection, packed

HALVINGS = 9  # of MAX_ITEMS, until one is left


class Search:
    """A bisection run to its end against an API that rejects any request that it calls bad."""

    def __init__(self, items: Sequence[int], is_bad: Callable[[Sequence[int]], bool]) -> None:
        self.requests: list[list[int]] = []
        self.accepted: list[int] = []
        self.rejected: list[int] = []
        self.dropped: list[int] = []
        self.reasons: list[str] = []
        bisection = Bisection(items)
        while bisection.request:
            self.requests.append(list(bisection.request))
            reason = f"request {len(self.requests)}"
            bad = is_bad(bisection.request)
            outcome = bisection.rejected(reason) if bad else bisection.accepted()
            self.accepted += outcome.accepted
            self.rejected += [rejection.item for rejection in outcome.rejected]
            self.reasons += [rejection.reason for rejection in outcome.rejected]
            self.dropped += outcome.dropped

    @property
    def sizes(self) -> list[int]:
        """How many items each request had."""
        return [len(request) for request in self.requests]


def search(count: int, bad: Collection[int] = ()) -> Search:
    """Return the search among so many items of which those are bad."""
    return Search(range(count), lambda request: not set(bad).isdisjoint(request))


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, []), (1, [1]), (300, [300]), (301, [300, 1]), (750, [300, 300, 150])],
)
def test_requests_are_full_and_none_is_empty(count: int, sizes: list[int]) -> None:
    assert [len(request) for request in packed(range(count))] == sizes
    everything = search(count)
    assert everything.sizes == sizes
    assert everything.accepted == list(range(count))
    assert everything.rejected == everything.dropped == []


def test_a_request_is_halved_once_it_is_confirmed_that_anything_is_taken() -> None:
    late = search(308, bad=[302])  # the first request, of 300, is accepted
    assert late.sizes == [300, 8, 4, 2, 2, 1, 1, 4]
    assert late.rejected == [302]
    assert late.accepted == [item for item in range(308) if item != 302]


def test_until_then_a_few_are_tried_alone() -> None:
    early = search(320, bad=[0])
    assert early.sizes[0] == MAX_ITEMS
    assert early.sizes[1 : 1 + PROBES] == [1] * PROBES
    assert [request[0] for request in early.requests[1 : 1 + PROBES]] == list(range(0, 320, 20))
    assert early.sizes[1 + PROBES :] == [300, 4]
    assert early.rejected == [0]
    assert sorted(early.accepted) == list(range(1, 320))


def test_what_was_rejected_alone_is_at_fault_once_another_is_accepted() -> None:
    few = search(3, bad=[0, 1])
    assert few.sizes == [3, 1, 1, 1]
    assert (few.rejected, few.accepted, few.dropped) == ([0, 1], [2], [])
    assert few.reasons == ["request 2", "request 3"]


@pytest.mark.parametrize("count", [1, 2, 16, 17, 1000, 3000])
def test_if_all_is_rejected_no_item_is_at_fault(count: int) -> None:
    nothing = search(count, bad=range(count))
    assert sorted(nothing.dropped) == list(range(count))
    assert nothing.accepted == nothing.rejected == []
    assert len(nothing.requests) <= PROBES + 2


def test_giving_up_ends_it() -> None:
    bisection = Bisection(range(301))
    bisection.rejected("too old")
    assert sorted(bisection.give_up().dropped) == list(range(301))
    assert not bisection.request
    assert Bisection(range(0)).give_up().dropped == []


def test_giving_up_keeps_what_was_accepted() -> None:
    bisection = Bisection(range(400))
    assert bisection.accepted().accepted == list(range(300))
    assert bisection.give_up().dropped == list(range(300, 400))


def test_giving_up_some_leaves_the_others_in_their_requests() -> None:
    bisection = Bisection(range(301))
    bisection.rejected("too old")
    dropped = bisection.give_up(lambda item: item == 0 or item > 290).dropped
    assert sorted(dropped) == [0, *range(291, 301)]
    left: list[list[int]] = []
    while bisection.request:
        left += [list(bisection.request)]
        bisection.accepted()
    assert [len(request) for request in left[: PROBES - 2]] == [1] * (PROBES - 2)
    assert sorted(item for request in left for item in request) == list(range(1, 291))


def test_giving_up_the_last_leaves_nothing_unconfirmed() -> None:
    bisection = Bisection([1, 2])
    bisection.rejected("of both")
    bisection.rejected("of one")
    assert sorted(bisection.give_up(lambda item: item == 2).dropped) == [1, 2]
    assert not bisection.request


def test_halving_by_a_key_puts_the_higher_ones_first() -> None:
    bisection = Bisection([0, 10, 20, 21, 11, 1])
    assert bisection.halve_by(lambda item: item // 10)
    assert bisection.request == [10, 20, 21, 11]
    assert bisection.halve_by(lambda item: item // 10)
    assert bisection.request == [20, 21]
    assert not bisection.halve_by(lambda item: item // 10)
    bisection.accepted()
    assert bisection.accepted().accepted == [10, 11]
    assert bisection.accepted().accepted == [0, 1]


@settings(deadline=None)
@given(st.integers(0, 1000), st.sets(st.integers(0, 999), max_size=30))
def test_every_item_ends_once_and_where_it_belongs(count: int, drawn: set[int]) -> None:
    bad = {item for item in drawn if item < count}
    ended = search(count, bad)
    all_items = ended.accepted + ended.rejected + ended.dropped
    assert sorted(all_items) == list(range(count))
    assert bad.isdisjoint(ended.accepted)
    assert bad.issuperset(ended.rejected)
    if len(bad) < min(PROBES // 2, count):  # fewer than there are probes: one is accepted
        assert set(ended.rejected) == bad


@settings(deadline=None)
@given(st.integers(0, 1000), st.sets(st.integers(0, 999), max_size=30))
def test_the_requests_are_bounded(count: int, drawn: set[int]) -> None:
    bad = {item for item in drawn if item < count}
    full = -(-count // MAX_ITEMS)
    probing = 1 + PROBES + 1 if bad else 0
    assert len(search(count, bad).requests) <= full + probing + 2 * HALVINGS * len(bad)


@settings(deadline=None)
@given(st.integers(1, 700), st.lists(st.booleans(), max_size=60))
def test_an_api_that_answers_at_random_loses_and_doubles_nothing(
    count: int, answers: list[bool]
) -> None:
    waiting = iter(answers)
    erratic = Search(range(count), lambda _request: next(waiting, False))
    all_items = erratic.accepted + erratic.rejected + erratic.dropped
    assert sorted(all_items) == list(range(count))
