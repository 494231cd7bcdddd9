"""Reloads the settings: takes over those that can change, and logs those that need a restart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python import usage

from zibrato.daemon.aggregation.aggregator import Aggregator
from zibrato.daemon.backend_set import BackendSet
from zibrato.daemon.intake_set import IntakeSet
from zibrato.daemon.options import Options
from zibrato.daemon.outbox.place import outbox_path
from zibrato.daemon.settings import Settings
from zibrato.endpoint import Endpoint
from zibrato.files.secret_file import others_may_read
from zibrato.interfaces import IWebService
from zibrato.levels import LevelFilter
from zibrato.line_address import LineAddress

RESTART = {
    "ipc_mode": "--ipc-mode",
    "flush_interval": "--flush-interval",
    "percentiles": "--percentiles",
    "source": "--source",
    "curve_keys": "--curve-keys",
    "acknowledges": "--acknowledgements",
    "acknowledgements": "--acknowledgements",
    "statsd_level": "--statsd-level",
    "web": "--web",
    "otlp": "--otlp",
    "outbox": "--outbox",
}
"""Fields of the settings that only a restart can change, with their options."""


class Reloader:
    """Reloads the configuration of all parts of a running daemon."""

    _log = Logger()

    def __init__(
        self, options: Options, aggregator: Aggregator, backends: BackendSet, intakes: IntakeSet
    ) -> None:
        self.pages: list[IWebService] = []
        self.settings = options.settings
        """The settings in force."""
        self.backends_changed: Callable[[], object] = lambda: None
        self.check: Callable[[Settings, Settings], Iterator[str]] = lambda _read, _after: iter(())
        """Generates a line for each problem of settings as they were read, and as they would be
        after the reload."""
        self._options = options
        self._aggregator = aggregator
        self._backends = backends
        self._intakes = intakes
        self._outbox_path = outbox_path(options.settings, options.environment)
        self._closing = False
        self._again = False
        self._waiting: list[Deferred[None]] = []

    def reload(self) -> None:
        """Read the configuration again and take it over; an error changes nothing.

        One warning names the changed options that need a restart. While sockets of the last reload
        are closing, the next reload waits.
        """
        if self._closing:
            self._again = True
        elif self._reload():
            self._closing = True
            Deferred.fromCoroutine(self._close_sockets())

    def reload_secrets(self) -> None:
        """Reload the backends' secrets before the last deliveries of a stop.

        So a corrected key takes effect even if nobody asked for a reload.
        """
        if not self._options.has_files:
            return
        try:
            read = self._options.reread().settings
        except usage.UsageError as error:
            self._log.error("nothing reloaded: {error}", error=error)
            return
        self._backends.reload(read.backends)

    def idle(self) -> Deferred[None]:
        """Return a Deferred that fires when no more sockets are closing."""
        waiting: Deferred[None] = Deferred()
        if self._closing:
            self._waiting.append(waiting)
        else:
            waiting.callback(None)
        return waiting

    def tell(self) -> None:
        """Log the filter of levels, and files of secrets that others may read."""
        self._tell_levels(self.settings.levels)
        for option, path in self._options.secret_files.items():
            if others_may_read(path):
                self._log.warn(
                    "{option}: others may read {path}; chmod it to 600", option=option, path=path
                )

    def _reload(self) -> bool:
        """Read and take over the configuration; return False if there was an error."""
        try:
            # Everything that can fail comes first and is undone after a failure. The rest can't
            # fail, so that no reload is half done.
            options = self._options.reread()
            settings, restart = reloaded(self.settings, options.settings)
            self._check(options.settings, settings)
            plan = self._backends.plan(settings.backends)
            try:
                self._intakes.open(settings)
            except Exception:
                self._backends.discard(plan)
                raise
        except usage.UsageError as error:
            self._log.error("nothing reloaded: {error}", error=error)
            return False
        except Exception:  # a backend's bug must not leave an operator in doubt
            self._log.failure("nothing reloaded, because of a bug")
            return False
        self._log.info("reloaded")
        self._tell_outbox(settings)
        self._options = options
        self.settings = settings
        self._aggregator.levels = settings.levels
        self._aggregator.max_series = settings.max_series
        self._backends.take_over(plan, settings.stop_timeout)
        self.backends_changed()
        for intake in self._intakes.intakes:
            intake.reload()
        for page in self.pages:
            page.reload(settings.web_credentials)
        self.tell()
        if needed := list(dict.fromkeys([*restart, *plan.restart])):
            self._log.warn(
                "changed, but a restart is needed to apply: {options}", options=", ".join(needed)
            )
        return True

    def _check(self, read: Settings, after: Settings) -> None:
        """Raise usage.UsageError if there are problems, also with what only a restart applies.

        Otherwise an operator would learn of these when the daemon doesn't start again.
        """
        problems = [*self.check(read, after)]
        if problems:
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise usage.UsageError(f"{problems[0]}{more}")

    async def _close_sockets(self) -> None:
        try:
            await self._intakes.close_others({*self.settings.endpoints, *self.settings.statsd})
        finally:
            self._closing = False
        again, self._again = self._again, False
        if again:
            self.reload()
        if not self._closing:
            waiting, self._waiting = self._waiting, []
            for one in waiting:
                one.callback(None)

    def _tell_outbox(self, settings: Settings) -> None:
        """Warn if the next start would not find the outboxes' file."""
        environment = self._options.environment
        if settings.outbox is None and outbox_path(settings, environment) != self._outbox_path:
            self._log.warn(
                "the outbox is {path}, named after the store's file or the first --socket, which "
                "has changed; give --outbox that path, else the next start begins a new outbox, "
                "and what waits in this one stays there",
                path=self._outbox_path,
            )

    def _tell_levels(self, levels: LevelFilter) -> None:
        """Log the levels that pass; custom labels apart, so that a misspelt level shows."""
        if levels.custom:
            self._log.warn(
                "levels: {levels} (not standard levels: {custom})",
                levels=levels,
                custom=", ".join(levels.custom),
            )
        else:
            self._log.info("levels: {levels}", levels=levels)


class Reloaded(NamedTuple):
    """The settings in force after a reload, and the changed options that need a restart."""

    settings: Settings
    restart: Sequence[str]


def reloaded(running: Settings, read: Settings) -> Reloaded:
    """Return the settings after a reload of `running` settings that reads `read`.

    `BackendSet.plan` decides which changes of backends need a restart.
    """
    needed = dict(RESTART)
    # With an endpoint for acknowledgements all sockets share it.
    if running.acknowledgements or _lack_protection(running, read):
        needed |= {"endpoints": "--socket"}
    if read.ipc_mode != running.ipc_mode and _have_path(read.statsd, running.statsd):
        needed |= {"statsd": "--statsd"}
    if running.otlp is not None:
        needed |= {"insecure_tcp": "--insecure-tcp"}
    kept = {field: getattr(running, field) for field in needed}
    restart = [needed[field] for field, value in kept.items() if getattr(read, field) != value]
    settings = read._replace(**kept)
    if (running.web_credentials is None) != (read.web_credentials is None):
        settings = settings._replace(web_credentials=running.web_credentials)
        restart.append("--web-credentials")
    return Reloaded(settings, list(dict.fromkeys(restart)))


def _lack_protection(running: Settings, read: Settings) -> bool:
    """Return whether new sockets would lack the keys or permissions that they are to have."""
    is_remote = any(new.remote for new in set(read.endpoints) - set(running.endpoints))
    if is_remote and running.curve_keys is None and read.curve_keys is not None:
        return True
    return read.ipc_mode != running.ipc_mode and _have_path(read.endpoints, running.endpoints)


def _have_path(read: Sequence[Endpoint | LineAddress], running: Sequence[object]) -> bool:
    """Return whether any that is new has a path, and so permissions."""
    return any(new.path for new in read if new not in running)
