"""Wrappers: the same function to everybody, whatever kind of function it is."""

import functools
import inspect
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from tests.client.wrapped import Log, both
from zibrato.client.decorators import count_calls, full_name, time_calls


def every_kind(
    a: int, b: str = "b", /, c: Any = None, *args: Any, d: int, e: int = 5, **kw: Any
) -> Any:
    """Have a parameter of every kind."""
    return a, b, c, args, d, e, kw


def test_every_parameter_kind_passes_through() -> None:
    for wrapped, log in both(every_kind):
        assert wrapped(1, d=4) == every_kind(1, d=4)
        assert wrapped(1, "x", 3, 4, 5, d=6, e=7, f=8) == every_kind(1, "x", 3, 4, 5, d=6, e=7, f=8)
        assert len(log) == 2


def test_wrong_arguments_raise_as_without_the_wrapper() -> None:
    for wrapped, _ in both(every_kind):
        with pytest.raises(TypeError, match=r"every_kind\(\) missing 1 required keyword-only"):
            wrapped(1)


@pytest.mark.parametrize(
    "function",
    [
        lambda: 1,
        lambda a, b=2: (a, b),
        lambda *a: a,
        lambda **k: k,
        lambda a, /, b, *, c: (a, b, c),
        lambda *, c=1: c,
        lambda call, tick, clock, record, start, result, type, self: 0,
    ],
)
def test_the_signature_is_the_functions_own(function: Callable[..., Any]) -> None:
    for wrapped, _ in both(function):
        assert inspect.signature(wrapped) == inspect.signature(function)
        assert inspect.signature(wrapped, follow_wrapped=False) == inspect.signature(function)


def test_defaults_are_the_same_objects() -> None:
    default: list[int] = []

    def function(a: list[int] = default, *, b: list[int] = default) -> tuple[list[int], list[int]]:
        return a, b

    for wrapped, _ in both(function):
        a, b = wrapped()
        assert a is default
        assert b is default
        assert wrapped.__defaults__ == ([],)
        assert wrapped.__kwdefaults__ == {"b": []}


def test_metadata_is_kept() -> None:
    every_kind.attribute = 1  # type: ignore[attr-defined]  # functions may have any
    for wrapped, _ in both(every_kind):
        for name in ("__name__", "__qualname__", "__module__", "__doc__", "__annotations__"):
            assert getattr(wrapped, name) == getattr(every_kind, name)
        assert wrapped.__wrapped__ is every_kind
        assert wrapped.attribute == 1
        assert wrapped.__code__.co_name == "every_kind"


def test_parameters_with_the_wrappers_own_names_fall_back() -> None:
    def function(_z_call: int, _z_start: int = 2) -> tuple[int, int]:
        return _z_call, _z_start

    for wrapped, log in both(function):
        assert wrapped(1, _z_start=3) == (1, 3)
        assert inspect.signature(wrapped) == inspect.signature(function)
        assert len(log) == 1


@pytest.mark.parametrize(
    ("function", "argument"), [(len, [1]), (functools.partial(max, 0), 2), (str.upper, "a")]
)
def test_what_has_no_python_signature_falls_back(function: Any, argument: Any) -> None:
    for wrapped, log in both(function):
        assert wrapped(argument) == function(argument)
        assert len(log) == 1


def test_a_callable_object_is_wrapped() -> None:
    class Doubler:
        def __call__(self, x: int) -> int:
            return 2 * x

    for wrapped, log in both(Doubler()):
        assert wrapped(4) == 8
        assert len(log) == 1


def test_methods_of_every_kind_in_either_order() -> None:
    log = Log()

    def timed(function: Any) -> Any:
        return time_calls(function, log.append)

    class Thing:
        @timed
        def plain(self) -> str:
            return type(self).__name__

        @timed
        @classmethod
        def class_below(cls) -> str:
            return cls.__name__

        @classmethod
        @timed
        def class_above(cls) -> str:
            return cls.__name__

        @timed
        @staticmethod
        def static_below() -> str:
            return "Thing"

        @staticmethod
        @timed
        def static_above() -> str:
            return "Thing"

    for name in ("plain", "class_below", "class_above", "static_below", "static_above"):
        assert getattr(Thing(), name)() == "Thing"
    assert len(log) == 5


@pytest.mark.parametrize("wrong", [property(lambda self: 1), int, "text", None])
def test_what_can_not_be_instrumented_is_rejected_with_a_reason(wrong: Any) -> None:
    with pytest.raises(TypeError, match="expected a function or another callable"):
        count_calls(wrong, lambda: None)
    with pytest.raises(TypeError, match="decorate the methods of a class"):
        time_calls(wrong, lambda _: None)


def test_an_exception_is_recorded_and_its_traceback_reads_well() -> None:
    def fails() -> None:
        raise LookupError("gone")

    for wrapped, log in both(fails):
        with pytest.raises(LookupError) as caught:
            wrapped()
        assert len(log) == 1
        text = "".join(traceback.format_exception(caught.value))
        assert "in fails" in text
        assert "_z_call()" in text  # the wrapper's own line can be read, too


def test_a_full_name_has_the_module_and_no_locals() -> None:
    def local() -> None: ...

    assert full_name(every_kind) == f"{__name__}.every_kind"
    assert full_name(local) == f"{__name__}.test_a_full_name_has_the_module_and_no_locals.local"
    assert full_name(functools.partial(every_kind, 1)) == f"{__name__}.every_kind"
    assert full_name(Log()) == f"{Log.__module__}.Log"
