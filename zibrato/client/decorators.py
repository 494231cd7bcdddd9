"""Wrappers around any callable, for counting its calls and timing them to their real end.

A wrapper of a Python function is generated with the function's own parameters (as attrs and
dataclasses generate `__init__`), because passing `*args, **kwargs` on costs more than all the rest.
What has no Python signature gets `*args, **kwargs`.
"""

from __future__ import annotations

import dis
import functools
import inspect
import itertools
import linecache
import types
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import TypeVar, cast

from zibrato.client.awaitables import End, adapters
from zibrato.client.outcomes import Exceptions, Outcomes, matches
from zibrato.client.templates import COUNT, EXCEPTIONS, IN_PROGRESS, OUTCOME, TIME, Templates

F = TypeVar("F")
Record = Callable[[float], object]
CONSTANTS = frozenset({"LOAD_CONST", "LOAD_SMALL_INT"})
"""Instructions that load what can't be awaited."""


def count_calls(function: F, count: Callable[[], object]) -> F:
    """Return `function` with a call of `count` before each call."""
    return cast(F, _wrap(function, COUNT, {"_z_count": count}))


def time_calls(function: F, record: Record) -> F:
    """Return `function` with the seconds that each call took given to `record`.

    A call ends when its coroutine, generator, asynchronous generator, Deferred, future or other
    awaitable does: by returning, raising, being cancelled, closed or garbage-collected.
    """

    def end(start: float, _error: object) -> None:
        record(perf_counter() - start)

    return _watch(function, TIME, end, _z_times=_appendable(record), _z_clock=perf_counter)


def time_outcomes(function: F, outcomes: Outcomes) -> F:
    """Return `function` with the seconds that each call took given to `outcomes`."""
    times = _appendable(outcomes.ok)
    return _watch(function, OUTCOME, outcomes.end, _z_times=times, _z_clock=perf_counter)


def count_errors(function: F, count: Callable[[], object], exceptions: Exceptions) -> F:
    """Return `function` with a call of `count` at the end of each call that one of these ends."""

    def end(_start: float, error: BaseException | None) -> None:
        if error is not None and matches(error, exceptions):
            count()

    return _watch(function, EXCEPTIONS, end, _z_count=count, _z_exceptions=exceptions)


def track_calls(function: F, enter: Callable[[], object], leave: Callable[[], object]) -> F:
    """Return `function` with a call of `enter` at the begin of each call, of `leave` at its end."""

    def end(_start: float, _error: object) -> None:
        leave()

    return _watch(function, IN_PROGRESS, end, _z_enter=enter, _z_leave=leave)


def _watch(function: F, templates: Templates, end: End, **names: object) -> F:
    """Return `function` wrapped; `end` is for results that are not finished as it returns."""
    if _is_procedure(function):
        templates = templates._replace(function=templates.procedure)
    known = {"_z_type": type, "_z_finished": adapters.finished, "_z_adapt": adapters.adapt}
    return cast(F, _wrap(function, templates, {**known, "_z_end": end, **names}))


def _appendable(record: Record) -> object:
    """Return what has `record` as its `append`: a list itself, to which CPython needs no call."""
    owner = getattr(record, "__self__", None)
    if type(owner) is list and record == owner.append:
        return owner
    return types.SimpleNamespace(append=record)


def _is_procedure(function: object) -> bool:
    """Return whether each `return` of a Python function is of a constant: nothing to wait for.

    Such a function, most often one that returns None, needs no look at its result. Only the
    bytecode tells: a constant is what the instruction before `RETURN_VALUE` loads, unless another
    way leads to the return itself, with a value of its own.
    """
    if not isinstance(function, types.FunctionType):
        return False
    constant = False
    for instruction in dis.get_instructions(function):
        if instruction.opname == "RETURN_VALUE" and (instruction.is_jump_target or not constant):
            return False
        constant = instruction.opname in CONSTANTS
    return True


def full_name(function: object) -> str:
    """Return the module and qualified name, `<locals>` left out."""
    inner = getattr(function, "__func__", function)
    while isinstance(inner, functools.partial):
        inner = inner.func
    named = inner if hasattr(inner, "__qualname__") else type(inner)
    return f"{named.__module__}.{named.__qualname__}".replace(".<locals>", "")


def _wrap(function: object, templates: Templates, names: dict[str, object]) -> object:
    if isinstance(function, classmethod | staticmethod):
        method: Callable[[object], object] = type(function)
        return method(_wrap(function.__func__, templates, names))
    if isinstance(function, type | property) or not callable(function):
        raise TypeError(
            f"expected a function or another callable to instrument, got {function!r}; "
            "decorate the methods of a class and the getter of a property instead"
        )
    template = templates[_form(function)]
    code = _compiled(template, *_signature(function))
    # One code for all functions of a shape: what tells their wrappers apart are the globals.
    scope = {"__name__": getattr(function, "__module__", __name__), "_z_call": function, **names}
    wrapper = types.FunctionType(code, scope)
    functools.update_wrapper(wrapper, function)
    if isinstance(function, types.FunctionType):
        # The source says `=None` for any default: of most objects there is no source.
        wrapper.__defaults__ = function.__defaults__
        wrapper.__kwdefaults__ = function.__kwdefaults__
        # Tracebacks and profilers show the name that the code has, not the function's.
        wrapper.__code__ = _renamed(wrapper.__code__, function)
        # What `types.coroutine` makes, a generator to be awaited, differs by this flag alone.
        if function.__code__.co_flags & inspect.CO_ITERABLE_COROUTINE:
            return types.coroutine(wrapper)
    return wrapper


def _form(function: object) -> int:
    """Return the index of the template that keeps what kind of function it is."""
    if inspect.iscoroutinefunction(function):
        return 1
    if inspect.isgeneratorfunction(function):
        return 2
    return 3 if inspect.isasyncgenfunction(function) else 0


def _renamed(code: types.CodeType, function: types.FunctionType) -> types.CodeType:
    names = {"co_name": function.__name__}
    if hasattr(code, "co_qualname"):
        names["co_qualname"] = function.__qualname__
    return code.replace(**names)  # type: ignore[arg-type]  # co_qualname is not in 3.10


def _signature(function: object) -> tuple[str, str]:
    """Return the source of the parameters, and of the arguments that pass them on."""
    if isinstance(function, types.FunctionType):
        names = inspect.getargs(function.__code__)
        parameters = [*names.args, *filter(None, (names.varargs, names.varkw))]
        # Code that was generated, a comprehension's for one, may have names like `.0`.
        if all(name.isidentifier() and not name.startswith("_z_") for name in parameters):
            parts = list(_parameters(function))
            return ", ".join(part for part, _ in parts), ", ".join(
                part for _, part in parts if part
            )
    return "*args, **kwargs", "*args, **kwargs"


def _parameters(function: types.FunctionType) -> Iterator[tuple[str, str]]:
    """Yield each parameter's declaration and how it is passed on; defaults are put in later."""
    code = function.__code__
    names = iter(code.co_varnames)
    without_default = code.co_argcount - len(function.__defaults__ or ())
    for index in range(code.co_argcount):
        name = next(names)
        yield (name if index < without_default else f"{name}=None"), name
        if index + 1 == code.co_posonlyargcount:
            yield "/", ""
    keywords = [next(names) for _ in range(code.co_kwonlyargcount)]
    if code.co_flags & inspect.CO_VARARGS:
        name = next(names)
        yield f"*{name}", f"*{name}"
    elif keywords:
        yield "*", ""
    for name in keywords:
        has_default = name in (function.__kwdefaults__ or {})
        yield (f"{name}=None" if has_default else name), f"{name}={name}"
    if code.co_flags & inspect.CO_VARKEYWORDS:
        name = next(names)
        yield f"**{name}", f"**{name}"


@functools.lru_cache(maxsize=1024)
def _compiled(template: str, parameters: str, arguments: str) -> types.CodeType:
    """Return the code of wrappers of this shape, its source kept for tracebacks.

    What it uses are its globals: CPython reads those faster than a closure's variables.
    """
    source = template.format(parameters=parameters, arguments=arguments)
    filename = f"<zibrato wrapper {next(_numbers)}>"
    # Without a time of modification: `linecache` then never looks for such a file.
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    module = compile(source, filename, "exec")
    return next(code for code in module.co_consts if isinstance(code, types.CodeType))


_numbers = itertools.count(1)
