"""Instruments in running calls: whatever they are given, nothing leaves them."""

from __future__ import annotations

import contextlib
import datetime
import decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.soak import examples
from zibrato.testing import RecordingZibrato

SPECIAL = (
    *("__str__", "__repr__", "__hash__", "__eq__", "__bool__", "__float__", "__index__", "__len__"),
    *("__iter__", "__getitem__", "__lt__", "__format__", "__getattribute__", "__contains__"),
    *("items", "keys", "values", "strip", "lower", "encode", "isascii", "removesuffix"),
)
BASES: tuple[type, ...] = (object, str, int, float, dict, tuple)


class Hostile(Exception):
    """What a hostile object raises."""


def hostile(base: type, methods: tuple[str, ...], error: type[Exception], value: Any) -> object:
    """Return an object of a subclass of `base` of which these methods raise."""

    def fail(*_: object) -> Any:
        raise error("as it does")

    kind = type(f"Hostile{base.__name__}", (base,), {"__hash__": base.__hash__})
    instance = kind(value) if base in (str, int, float) else kind()
    for method in methods:
        setattr(kind, method, fail)
    return instance


Call = tuple[list["Box"], dict[str, "Box"]]


class Liar(type):
    """A class whose instances say nothing of their class, and that can't be compared itself."""

    def __eq__(cls, other: object) -> bool:
        raise Hostile

    def __hash__(cls) -> int:
        raise Hostile


class Lying(metaclass=Liar):
    def __getattribute__(self, name: str) -> Any:
        raise Hostile


class Box:
    """Keeps an object from hypothesis, which would look at it."""

    def __init__(self, content: object) -> None:
        self.content = content


def unboxed(call: Call) -> Any:
    positional, keywords = call
    if len(positional) > 1:  # see what Instruments says of the one call that Python itself rejects
        keywords = {key: box for key, box in keywords.items() if key not in ("name", "value")}
    return [box.content for box in positional], {key: box.content for key, box in keywords.items()}


VALUES: dict[type, object] = {str: "info", int: 3, float: 1.5}
HOSTILE = st.builds(
    lambda base, methods, error: Box(hostile(base, tuple(methods), error, VALUES.get(base))),
    st.sampled_from(BASES),
    st.lists(st.sampled_from(SPECIAL), min_size=1, max_size=6),
    st.sampled_from([Hostile, TypeError, KeyError, AttributeError, RecursionError, OSError]),
)
ODD: tuple[object, ...] = (
    *(10**400, -(10**400), 10**5000, 2**70, float("nan"), float("-inf"), 1j, b"bytes", "\ud800"),
    *("", "n", "x" * 300, "info", "counter", "gauge", None, ..., NotImplemented, [], [1], {1}),
    *({}, {1: 2}, {"a": None}, {None: "a"}, {"t": "\ud800"}, {"t": "v" * 10**6}, (), (1,)),
    *(decimal.Decimal("sNaN"), datetime.date(2026, 1, 1), object(), True, 5, 0.5, Lying()),
)
OBJECTS = st.one_of(st.sampled_from([Box(odd) for odd in ODD]), HOSTILE)
TAGS = st.builds(
    lambda names, value: Box(dict.fromkeys(names, value.content)),
    st.lists(st.one_of(st.text(), st.integers()), max_size=2),
    OBJECTS,
)
CALLERS = ("count_me", "count_exceptions", "time_me", "in_progress")
OWN = ("outcome", "exceptions")
KEYWORDS = st.one_of(
    st.sampled_from(["name", "value", "level", "mtype", "source", "tags", "self", "name_", *OWN]),
    st.text(max_size=5),
)
CALLS = st.tuples(
    st.lists(OBJECTS, max_size=4), st.dictionaries(KEYWORDS, st.one_of(OBJECTS, TAGS), max_size=4)
)


@pytest.fixture(scope="module")
def z() -> Any:
    return RecordingZibrato()


@settings(max_examples=examples(400), deadline=None)
@given(st.sampled_from(["count", "timing", "gauge"]), CALLS)
@pytest.mark.attack(
    "objects in the client that can't be compared or printed",
    before="the application's call raised",
)
def test_direct_calls(z: Any, instrument: str, call: Call) -> None:
    positional, keywords = unboxed(call)
    for _ in range(2):  # the second one finds what the first has cached
        assert getattr(z, instrument)(*positional, **keywords) is None


@settings(max_examples=examples(400), deadline=None)
@given(st.sampled_from(CALLERS), CALLS)
def test_blocks(z: Any, instrument: str, call: Call) -> None:
    positional, keywords = unboxed(call)
    for _ in range(2):
        with contextlib.suppress(Hostile), getattr(z, instrument)(*positional, **keywords):
            raise Hostile


@settings(max_examples=examples(200), deadline=None)
@given(OBJECTS)
def test_values_of_handles(z: Any, value: Box) -> None:
    z.time_me("t").record(value.content)
    z.bind_gauge("g")(value.content)


@pytest.mark.parametrize("instrument", ["count", "timing", "gauge"])
@pytest.mark.parametrize("odd", [Box(Lying()), Box(10**400), Box("n"), Box([])])
def test_what_is_given_twice_is_counted(z: Any, instrument: str, odd: Box) -> None:
    before = z.dropped["argument"]
    getattr(z, instrument)(odd.content, name=odd.content)
    getattr(z, instrument)("n", odd.content, value=2)
    assert z.dropped["argument"] == before + 2


def test_what_can_be_recorded_still_is(z: Any) -> None:
    """What went before spoils nothing, and what can be drained is."""
    before = z.counted("good")
    z.count("good")
    z.count("good", level="error")
    assert z.counted("good") == before + 2


@settings(max_examples=examples(200), deadline=None)
@given(st.sampled_from(CALLERS), CALLS)
def test_at_decoration_it_is_a_type_or_value_error(z: Any, instrument: str, call: Call) -> None:
    positional, keywords = unboxed(call)

    def function() -> int:
        return 1

    with contextlib.suppress(TypeError, ValueError):
        assert getattr(z, instrument)(*positional, **keywords)(function)() == 1


def test_a_value_that_raises_what_ends_threads_is_counted_by_the_sender() -> None:
    class Ending:
        def __float__(self) -> float:
            raise SystemExit

    z: Any = RecordingZibrato()
    z.gauge("g", Ending())
    z.gauge("g", 1)
    assert z.readings("g") == [1]
    assert z.dropped == {"value": 1}
