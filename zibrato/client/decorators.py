"""Wrap callables, to count their calls or to time them until they really end.

The wrapper of a Python function is generated with the function's own parameters (as attrs and
dataclasses generate `__init__`), because passing `*args, **kwargs` on costs more than everything
else. A callable without a Python signature gets `*args, **kwargs`.
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
"""Instructions that load a value which can't be awaited."""


def count_calls(function: F, count: Callable[[], object]) -> F:
    """Return a wrapper that calls `count` before each call of `function`."""
    return cast(F, _wrap(function, COUNT, {"_z_count": count}))


def time_calls(function: F, record: Record) -> F:
    """Return a wrapper that passes the seconds of each call of `function` to `record`.

    A call ends when its coroutine, generator, asynchronous generator, Deferred, future or other
    awaitable ends: by returning, raising, being cancelled, closed or garbage-collected.
    """

    def end(start: float, _error: object) -> None:
        record(perf_counter() - start)

    return _watch(function, TIME, end, _z_times=_appendable(record), _z_clock=perf_counter)


def time_outcomes(function: F, outcomes: Outcomes) -> F:
    """Return a wrapper that passes the seconds of each call of `function` to `outcomes`."""
    times = _appendable(outcomes.ok)
    return _watch(function, OUTCOME, outcomes.end, _z_times=times, _z_clock=perf_counter)


def count_errors(function: F, count: Callable[[], object], exceptions: Exceptions) -> F:
    """Return a wrapper that calls `count` for each call that one of `exceptions` ends."""

    def end(_start: float, error: BaseException | None) -> None:
        if error is not None and matches(error, exceptions):
            count()

    return _watch(function, EXCEPTIONS, end, _z_count=count, _z_exceptions=exceptions)


def track_calls(function: F, enter: Callable[[], object], leave: Callable[[], object]) -> F:
    """Return a wrapper that calls `enter` when a call of `function` begins, `leave` at its end."""

    def end(_start: float, _error: object) -> None:
        leave()

    return _watch(function, IN_PROGRESS, end, _z_enter=enter, _z_leave=leave)


def _watch(function: F, templates: Templates, end: End, **names: object) -> F:
    """Return `function` wrapped; `end` is called for results that aren't finished at its return."""
    if _is_procedure(function):
        templates = templates._replace(function=templates.procedure)
    known = {"_z_type": type, "_z_finished": adapters.finished, "_z_adapt": adapters.adapt}
    return cast(F, _wrap(function, templates, {**known, "_z_end": end, **names}))


def _appendable(record: Record) -> object:
    """Return an object whose `append` is `record`: a list itself, which CPython calls faster."""
    owner = getattr(record, "__self__", None)
    if type(owner) is list and record == owner.append:
        return owner
    return types.SimpleNamespace(append=record)


def _is_procedure(function: object) -> bool:
    """Return whether all `return`s of a Python function are constants, so that none is pending.

    The result of such a function, which most often returns None, needs no inspection. Only the
    bytecode tells: a constant is what the instruction before `RETURN_VALUE` loads, unless a jump
    leads to the return itself, with another value.
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
    """Return the module and qualified name, without `<locals>`."""
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
    # All functions of one shape share the code; their wrappers differ in their globals.
    scope = {"__name__": getattr(function, "__module__", __name__), "_z_call": function, **names}
    wrapper = types.FunctionType(code, scope)
    functools.update_wrapper(wrapper, function)
    if isinstance(function, types.FunctionType):
        # The source has `=None` for every default, because most objects have no source.
        wrapper.__defaults__ = function.__defaults__
        wrapper.__kwdefaults__ = function.__kwdefaults__
        # Tracebacks and profilers show the code's name, not the function's.
        wrapper.__code__ = _renamed(wrapper.__code__, function)
        # A generator that can be awaited, as `types.coroutine` makes it, differs only in this flag.
        if function.__code__.co_flags & inspect.CO_ITERABLE_COROUTINE:
            return types.coroutine(wrapper)
    return wrapper


def _form(function: object) -> int:
    """Return the index of the template for this kind of function."""
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
        # Generated code, such as a comprehension's, may have names like `.0`.
        if all(name.isidentifier() and not name.startswith("_z_") for name in parameters):
            parts = list(_parameters(function))
            return ", ".join(part for part, _ in parts), ", ".join(
                part for _, part in parts if part
            )
    return "*args, **kwargs", "*args, **kwargs"


def _parameters(function: types.FunctionType) -> Iterator[tuple[str, str]]:
    """Yield each parameter's declaration, and how it is passed on; defaults are set later."""
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
    """Compile the code of wrappers of this shape, and keep its source for tracebacks.

    It uses globals, because CPython reads them faster than a closure's variables.
    """
    source = template.format(parameters=parameters, arguments=arguments)
    filename = f"<zibrato wrapper {next(_numbers)}>"
    # Without a modification time, `linecache` never looks for such a file.
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    module = compile(source, filename, "exec")
    return next(code for code in module.co_consts if isinstance(code, types.CodeType))


_numbers = itertools.count(1)
