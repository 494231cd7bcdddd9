"""Where snapshots are shipped to: a module each, named in twisted/plugins/zibrato_plugin.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.python.reflect import namedAny
from zope.interface import implementer

from zibrato.interfaces import BackendContext, IBackend, IBackendMaker


@implementer(IBackendMaker)
class BackendMaker:
    """Makes the backend of a module by its function `make`, which is imported on first use.

    The module's docstring opens with the line that `--help-backends` shows.
    """

    def __init__(self, name: str, module: str) -> None:
        self.name = name
        self._module = module

    @property
    def description(self) -> str:
        """The first line of the module's docstring."""
        return str(namedAny(self._module).__doc__).splitlines()[0]

    def make(self, settings: Mapping[str, str], context: BackendContext) -> Any:
        """Return the backend; raises ValueError for bad settings."""
        backend = namedAny(f"{self._module}.make")(settings, context)
        return IBackend(backend)
