"""The source code of wrappers, by kind of function and by what they do before and after a call.

Names that begin with `_z_` are globals of the wrapper. `{parameters}` and `{arguments}` are the
function's own.
"""

from __future__ import annotations

from typing import NamedTuple

_RESULT = """\
def wrapper({parameters}):
    BEGIN
    try:
        _z_result = _z_call({arguments})
    except CAUGHT:
        FAILED
        raise
    if _z_type(_z_result) in _z_finished:
        DONE
        return _z_result
    return _z_adapt(_z_result, _z_end, START)
"""
"""Has no `finally`, because a result that isn't finished at the return is recorded later."""
_BODY = """\
KIND wrapper({parameters}):
    BEGIN
    try:
        _z_result = (WAIT _z_call({arguments}))
    except CAUGHT:
        FAILED
        raise
    DONE
    return _z_result
"""
_BODY_EITHER_WAY = """\
KIND wrapper({parameters}):
    BEGIN
    try:
        return (WAIT _z_call({arguments}))
    finally:
        DONE
"""
# PEP 525 has no `yield from`: each way into the inner generator is passed on explicitly.
_DELEGATE = """\
async def wrapper({parameters}):
    BEGIN
    _z_inner = _z_call({arguments})
    try:
        _z_item = await anext(_z_inner)
        while True:
            try:
                _z_sent = yield _z_item
            except GeneratorExit:
                await _z_inner.aclose()
                raise
            except BaseException as _z_error:
                _z_item = await _z_inner.athrow(_z_error)
            else:
                _z_item = await _z_inner.asend(_z_sent)
    except StopAsyncIteration:
        DONE
        return
    except CAUGHT:
        FAILED
        raise
"""


class Templates(NamedTuple):
    """The source of wrappers by kind of function; a procedure's result needs no inspection."""

    function: str
    coroutine: str
    generator: str
    async_generator: str
    procedure: str


def templates(
    *,
    begin: str = "",
    done: str = "",
    failed: str = "",
    caught: str = "BaseException",
    start: str = "0.0",
) -> Templates:
    """Return wrappers with these lines before the call, after it, and after it raised `caught`.

    `start` is the call's start, for a result that isn't finished yet.
    """
    lines = {"BEGIN": begin, "DONE": done, "FAILED": failed, "CAUGHT": caught, "START": start}
    body = _BODY_EITHER_WAY if done == failed else _BODY
    bodies = [
        body.replace("KIND", kind).replace("WAIT ", wait)
        for kind, wait in (("async def", "await "), ("def", "yield from "), ("def", ""))
    ]
    coroutine, generator, procedure = [_filled(text, lines) for text in bodies]
    return Templates(
        _filled(_RESULT, lines), coroutine, generator, _filled(_DELEGATE, lines), procedure
    )


def _filled(template: str, lines: dict[str, str]) -> str:
    """Return the template with `lines` filled in; lines that become empty are left out."""
    kept = []
    for line in template.splitlines():
        filled = line
        for place, text in lines.items():
            filled = filled.replace(place, text)
        if filled.strip():
            kept.append(filled)
    return "\n".join([*kept, ""])


COUNT = Templates(
    "def wrapper({parameters}):\n    _z_count()\n    return _z_call({arguments})\n",
    "async def wrapper({parameters}):\n    _z_count()\n    return await _z_call({arguments})\n",
    "def wrapper({parameters}):\n    _z_count()\n    return (yield from _z_call({arguments}))\n",
    _filled(_DELEGATE.partition("    except CAUGHT:")[0], {"BEGIN": "_z_count()", "DONE": ""}),
    "def wrapper({parameters}):\n    _z_count()\n    return _z_call({arguments})\n",
)
_SECONDS = "_z_times.append(_z_clock() - _z_start)"
TIME = templates(begin="_z_start = _z_clock()", done=_SECONDS, failed=_SECONDS, start="_z_start")
OUTCOME = templates(
    begin="_z_start = _z_clock()",
    done=_SECONDS,
    failed="_z_end(_z_start, _z_failure)",
    caught="BaseException as _z_failure",
    start="_z_start",
)
EXCEPTIONS = templates(failed="_z_count()", caught="_z_exceptions")
IN_PROGRESS = templates(begin="_z_enter()", done="_z_leave()", failed="_z_leave()")
