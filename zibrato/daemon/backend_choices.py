"""Works out from the options which backends to make, with which settings and filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from twisted.plugin import getPlugins
from twisted.python import usage

from zibrato.daemon import values
from zibrato.daemon.series_filter import NAMES, SeriesFilter
from zibrato.interfaces import IBackendMaker, IBackendOptions
from zibrato.suggestion import suggestion
from zibrato.unit_suffixes import parse_size

T = TypeVar("T")
Values = Mapping[str, Any]  # usage.Options is an untyped dict; values are str, None or lists
GENERIC = ("name", *NAMES, "outbox_size", "outbox_age")
"""The settings that every backend takes."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Secret(str):
    """A string whose repr hides it, so that no traceback or log of a structure shows it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class GivenBackend(NamedTuple):
    """A backend as the user asked for it: its type and the settings that were given."""

    type: str
    settings: Mapping[str, Secret]


class BackendChoice(NamedTuple):
    """A backend to make: its maker, its settings, and the filter of what it gets.

    `name` is the daemon's name for it. Its outbox keeps at most `outbox_size` bytes in the
    outboxes' file, for at most `outbox_age` seconds.
    """

    maker: IBackendMaker
    settings: Mapping[str, str]
    filter: SeriesFilter
    name: str
    outbox_size: int
    outbox_age: float

    @property
    def label(self) -> str:
        """The name to show to people, followed by the backend's type if that differs."""
        kind = self.maker.name
        return kind if self.name == kind else f"{self.name} ({kind})"


@cache  # options call it ten times, and each time Twisted looks through all plugin directories
def backend_makers() -> Mapping[str, IBackendMaker]:
    """Return the makers of all backends that were installed at the first call, by name."""
    return MappingProxyType({maker.name: maker for maker in getPlugins(IBackendMaker)})


def makers_with_options() -> list[IBackendOptions]:
    """Return the makers of installed backends that have their own options, sorted by name."""
    makers = (IBackendOptions(maker, None) for _, maker in sorted(backend_makers().items()))
    return [maker for maker in makers if maker is not None]


def backend_choices(options: Values, environment: Mapping[str, str]) -> tuple[BackendChoice, ...]:
    """Return the backends that the options choose; raises usage.UsageError.

    For each backend, `options["backend"]` has a `GivenBackend`, or the text of its `--backend`.
    """
    makers = backend_makers()
    implied = _implied(options, environment)
    defaults = {"outbox_size": options["outbox-size"], "outbox_age": options["outbox-age"]}
    for name, convert in (("outbox-size", parse_size), ("outbox-age", values.age)):
        checked(f"--{name}", options[name], convert)
    choices = []
    for given in _chosen(options, makers):
        maker = makers[given.type]
        own = {name: str(text) for name, text in given.settings.items() if name in GENERIC}
        rest = {name: text for name, text in given.settings.items() if name not in GENERIC}
        settings = _with_secrets(maker, {**implied.get(maker.name, {}), **rest})
        choices.append(_choice(maker, settings, {**defaults, **own}))
    return tuple(choices)


def checked(name: str, text: str, convert: Callable[[str], T]) -> T:
    """Return the converted text; raises usage.UsageError, which names the option."""
    try:
        return convert(text)
    except ValueError as error:
        raise usage.UsageError(f"{name}: {error}") from None


def _choice(
    maker: IBackendMaker, settings: Mapping[str, str], own: Mapping[str, str]
) -> BackendChoice:
    where = f"--backend {maker.name}"
    try:
        wanted = SeriesFilter.parse({name: own[name] for name in NAMES if name in own})
    except ValueError as error:
        raise usage.UsageError(f"{where}: {error}") from None
    return BackendChoice(
        maker,
        settings,
        wanted,
        checked(f"{where}: name", own.get("name", maker.name), _name),
        checked(f"{where}: outbox_size", own["outbox_size"], parse_size),
        checked(f"{where}: outbox_age", own["outbox_age"], values.age),
    )


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise ValueError(
            f"expected up to 64 letters, digits, dots, dashes or underscores, got {text[:64]!r}"
        )
    return text


def check_type(name: str, makers: Collection[str]) -> None:
    """Raise ValueError, with one line for people, if no backend has this name."""
    if name not in makers:
        raise ValueError(
            f"expected one of {', '.join(sorted(makers))}, got {name!r}{suggestion(name, makers)}"
        )


def _parsed(text: str, makers: Collection[str]) -> GivenBackend:
    """Return the backend that the text of a `--backend` asks for."""
    # A colon without a `key=` after it belongs to the value, as in a URL.
    name, *pairs = re.split(r":(?=[A-Za-z_]+=)", text)
    given = dict(pair.split("=", 1) for pair in pairs)
    if name not in makers:
        backend = re.split(r"[^\w.-]", name)[0]  # no error may show the rest: it may be a key
        if backend in makers:
            raise usage.UsageError(
                f"--backend {backend}: expected key=value behind the colon; see --help-backends"
            )
        try:
            check_type(backend, makers)
        except ValueError as error:
            raise usage.UsageError(f"--backend: {error}") from None
    if len(given) < len(pairs):
        raise usage.UsageError(f"--backend {name}: expected each setting once; leave one out")
    return GivenBackend(name, {key: Secret(value) for key, value in given.items()})


def _chosen(options: Values, makers: Collection[str]) -> list[GivenBackend]:
    """Return the backends of `--backend`, then those that their own options ask for.

    If there are none, return the default.
    """
    chosen = [
        given if isinstance(given, GivenBackend) else _parsed(given, makers)
        for given in options["backend"]
    ]
    names = {given.type for given in chosen}
    declared = makers_with_options()
    chosen += [
        GivenBackend(maker.name, {})
        for maker in declared
        # A backend that is asked for in both ways is one backend: `_implied` adds its options to
        # the settings.
        if options[maker.asked_by] and maker.name not in names
    ]
    return chosen or [GivenBackend(maker.name, {}) for maker in declared if maker.is_default]


def _implied(options: Values, environment: Mapping[str, str]) -> dict[str, Mapping[str, str]]:
    """Return the settings that the backends' own options imply, by the backend's name."""
    try:
        return {maker.name: maker.settings(options, environment) for maker in makers_with_options()}
    except ValueError as error:
        raise usage.UsageError(str(error)) from None


def secrets_of(maker: IBackendMaker) -> Collection[str]:
    """Return the names of settings whose values no repr may show; makers may omit `secrets`."""
    names: Collection[str] = getattr(maker, "secrets", ())
    return names


def reloaded_by(maker: IBackendMaker) -> Collection[str]:
    """Return the names of settings that `reload` can change; makers may omit `reloaded`."""
    names: Collection[str] = getattr(maker, "reloaded", ())
    return names


def _with_secrets(maker: IBackendMaker, settings: Mapping[str, str]) -> Mapping[str, str]:
    secrets = secrets_of(maker)
    return {
        name: Secret(value) if name in secrets else str(value) for name, value in settings.items()
    }
