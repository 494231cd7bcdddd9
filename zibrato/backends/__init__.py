"""Backends ship snapshots: a module for each, named in twisted/plugins/zibrato_plugin.py.

`BackendMaker` and `ConfiguredMaker` are public; everything below this package is private.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from twisted.python.reflect import namedAny
from zope.interface import implementer

from zibrato.interfaces import (
    BackendContext,
    BackendOption,
    IBackend,
    IBackendOptions,
    ICheckingMaker,
)

__all__ = ["BackendMaker", "ConfiguredMaker"]


class BackendModule(Protocol):
    """A module that makes a backend."""

    def make(self, settings: Mapping[str, str], context: BackendContext, /) -> IBackend:
        """Return the backend; raises ValueError for invalid settings."""


@implementer(ICheckingMaker)
class BackendMaker:
    """Makes a backend with the function `make` of its module, which is imported on first use.

    The first line of the module's docstring is what `--help-backends` shows. The module may import
    what an `extra` of Zibrato installs.
    """

    def __init__(
        self,
        name: str,
        module: str,
        *,
        extra: str | None = None,
        secrets: Collection[str] = (),
        reloaded: Collection[str] = (),
    ) -> None:
        self.name = name
        self._module = module
        self._extra = extra
        self._secrets = secrets
        self._reloaded = reloaded

    @property
    def secrets(self) -> Collection[str]:
        """Names of settings whose values no repr may show."""
        return self._secrets

    @property
    def reloaded(self) -> Collection[str]:
        """Names of settings that `reload` applies; a change of any other makes a new backend."""
        return self._reloaded

    @property
    def description(self) -> str:
        """The first line of the module's docstring, and what has to be installed for it."""
        try:
            return str(self._imported().__doc__).splitlines()[0]
        except ValueError as error:
            return f"{_unimported_docstring(self._module).splitlines()[0]} ({error})"

    def make(self, settings: Mapping[str, str], context: BackendContext) -> IBackend:
        """Return the backend; raises ValueError for invalid settings."""
        backend: IBackend = self._imported().make(settings, context)
        # An object that isn't a backend is detected here, not at its first delivery.
        return IBackend(backend)

    def check(self, settings: Mapping[str, str], context: BackendContext) -> IBackend:
        """Make a backend for a trial and stop it; raises ValueError for invalid settings."""
        backend = self.make(settings, replace(context, is_trial=True))
        backend.stop()
        return backend

    def _imported(self) -> BackendModule:
        """Return the module; raises ValueError if the packages of its extra are missing."""
        try:
            module: BackendModule = namedAny(self._module)
        except ModuleNotFoundError as error:
            if self._extra is None:
                raise
            raise ValueError(
                f"the package {error.name} isn't installed: pip install 'zibrato[{self._extra}]'"
            ) from None
        return module


def _unimported_docstring(name: str) -> str:
    """Return the docstring of a module that can't be imported."""
    spec = find_spec(name)
    tree = ast.parse(Path(spec.origin).read_bytes()) if spec and spec.origin else None
    return (tree and ast.get_docstring(tree)) or name


class OptionsModule(Protocol):
    """A module that declares a backend's options; it is imported whenever options are parsed.

    Its names are those of IBackendOptions.
    """

    OPTIONS: Sequence[BackendOption]
    SECRETS: Collection[str]
    RELOADED: Collection[str]
    ASKED_BY: str
    SUMMARY: str
    WEB: str | None

    def settings(
        self, options: Mapping[str, str | None], environment: Mapping[str, str], /
    ) -> Mapping[str, str]:
        """Return the settings that the options and the environment imply."""


@implementer(IBackendOptions)
class ConfiguredMaker(BackendMaker):
    """A BackendMaker whose options are declared by a separate module with few imports."""

    def __init__(self, name: str, module: str, options: str, *, is_default: bool = False) -> None:
        super().__init__(name, module)
        self.is_default = is_default
        self._options = options

    @property
    def options(self) -> Sequence[BackendOption]:
        """The options that the backend adds to the command line."""
        return self._declared.OPTIONS

    @property
    def secrets(self) -> Collection[str]:
        """Names of settings whose values no repr may show."""
        return self._declared.SECRETS

    @property
    def reloaded(self) -> Collection[str]:
        """Names of settings that `reload` applies; a change of any other makes a new backend."""
        return self._declared.RELOADED

    @property
    def asked_by(self) -> str:
        """Name of the option that enables the backend."""
        return self._declared.ASKED_BY

    @property
    def summary(self) -> str:
        """Where the backend ships to, for `--help`."""
        return self._declared.SUMMARY

    @property
    def web(self) -> str | None:
        """The default endpoint of the backend's page."""
        return self._declared.WEB

    def settings(
        self, options: Mapping[str, str | None], environment: Mapping[str, str]
    ) -> Mapping[str, str]:
        """Return the settings that the options and the environment imply."""
        return self._declared.settings(options, environment)

    @property
    def _declared(self) -> OptionsModule:
        module: OptionsModule = namedAny(self._options)
        return module
