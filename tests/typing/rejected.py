"""What type checkers reject: each line here is an error, as its `type: ignore` proves.

Both checkers report an ignore that ignores nothing.
"""

from __future__ import annotations

import asyncio

from zibrato import Zibrato

z = Zibrato()


@z.time_me()
@z.count_me()
def add(first: int, second: int = 0) -> int:
    return first + second


@z.time_me()
async def fetch(url: str) -> bytes:
    return url.encode()


class Store:
    @z.time_me()
    def get(self, key: str) -> int:
        return len(key)

    @property
    @z.time_me()
    def size(self) -> int:
        return 1


def calls_of_instrumented_functions() -> None:
    add("1")  # type: ignore[arg-type]
    add(1, third=3)  # type: ignore[call-arg]
    add()  # type: ignore[call-arg]
    add(1).upper()  # type: ignore[attr-defined]
    Store().get(1)  # type: ignore[arg-type]
    Store().size = 2  # type: ignore[misc]
    fetch("url").upper()  # type: ignore[attr-defined]
    asyncio.run(add(1))  # type: ignore[arg-type]


def arguments_of_instruments() -> None:
    z.count_me("name", 4)  # type: ignore[call-overload]
    z.count_me(nmae="name")  # type: ignore[call-overload]
    z.time_me(name="t", buckets=[1, 2])  # type: ignore[call-overload]
    z.count_me(name=3)  # type: ignore[call-overload]
    z.count_me(name="c", value="4")  # type: ignore[call-overload]
    z.count_me(name="c", level=None)  # type: ignore[call-overload]
    z.time_me(name="t", mtype=3)  # type: ignore[call-overload]
    z.time_me(name="t", source=4)  # type: ignore[call-overload]
    z.time_me(name="t", tags={"status": 500})  # type: ignore[dict-item]
    z.time_me(name="t", tags=["status"])  # type: ignore[call-overload]
    z.time_me("t", outcome="ok")  # type: ignore[call-overload]
    z.count_me("c", outcome=True)  # type: ignore[call-overload]
    z.count_exceptions("e", exceptions="KeyError")  # type: ignore[call-overload]
    z.count_exceptions("e", exceptions=[KeyError])  # type: ignore[call-overload]
    z.count_exceptions("e", exceptions=int)  # type: ignore[arg-type]
    z.in_progress("p", value=1)  # type: ignore[call-overload]
    z.in_progress("p", mtype="counter")  # type: ignore[call-overload]
    z.gauge("g", str)  # type: ignore[arg-type]
    z.count("c", "4")  # type: ignore[arg-type]
    z.count("c", 4, "info")  # type: ignore[call-arg]
    z.count(name="c", vaule=4)  # type: ignore[call-arg]
    z.timing("t", None)  # type: ignore[arg-type]
    z.timing("t", second=1)  # type: ignore[call-arg]
    z.timing("t")  # type: ignore[call-arg]
    z.gauge("g")  # type: ignore[call-arg]
    z.gauge(value=3)  # type: ignore[call-arg]
    z.count()  # type: ignore[call-arg]
    z.gauge("g", "3")  # type: ignore[arg-type]
    z.gauge("g", 3, colour="red")  # type: ignore[call-arg]
    z.bind_gauge()  # type: ignore[call-arg]
    z.bind_gauge("g", mtype="timer")  # type: ignore[call-arg]
    z.bind_gauge("g")("3")  # type: ignore[arg-type]
    z.bind_gauge("g")()  # type: ignore[call-arg]
    z.count_me(name="c").count(1)  # type: ignore[call-arg]


@z.time_me
@z.count_me
def bare(first: int) -> int:
    return first


def calls_of_functions_below_a_bare_decorator() -> None:
    bare("1")  # type: ignore[arg-type]
    bare()  # type: ignore[call-arg]


def what_is_no_function() -> None:
    z.count_me(name="c")(3)  # type: ignore[type-var]
    z.time_me(name="t")("text")  # type: ignore[type-var]


def clients() -> None:
    Zibrato(5550)  # type: ignore[arg-type]
    Zibrato("ipc://socket", "warning")  # type: ignore[call-arg]
    Zibrato(level=["warning"])  # type: ignore[arg-type]
    Zibrato(tags={"status": 500})  # type: ignore[dict-item]
    Zibrato(curve=b"keys")  # type: ignore[arg-type]
    Zibrato(lingr=1)  # type: ignore[call-arg]
