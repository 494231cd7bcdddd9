"""Settings that were read anew: what a reload takes over of them, and what needs a restart."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence
from typing import NamedTuple

from twisted.logger import Logger
from twisted.python import usage

from zibrato.daemon.aggregation import Aggregator
from zibrato.daemon.backend_choices import BackendChoice
from zibrato.daemon.options import Options
from zibrato.daemon.outbox import Outbox
from zibrato.daemon.settings import Settings
from zibrato.interfaces import IIntake, IWebService
from zibrato.levels import LevelFilter
from zibrato.secret_file import others_may_read

RESTART = {
    "endpoints": "--socket",
    "ipc_mode": "--ipc-mode",
    "flush_interval": "--flush-interval",
    "percentiles": "--percentiles",
    "source": "--source",
    "curve_keys": "--curve-keys",
    "insecure_tcp": "--insecure-tcp",
    "acknowledges": "--acknowledgements",
    "acknowledgements": "--acknowledgements",
    "max_series": "--max-series",
    "statsd": "--statsd",
    "statsd_level": "--statsd-level",
    "stop_timeout": "--stop-timeout",
    "web": "--web",
    "otlp": "--otlp",
    "outbox": "--outbox",
}
"""Fields of the settings that hold from the start on, with the option of each."""


class Reloader:
    """Reads levels, secrets and keys anew for all parts of a daemon that runs."""

    _log = Logger()

    def __init__(
        self, options: Options, aggregator: Aggregator, outboxes: Sequence[Outbox]
    ) -> None:
        self.pages: list[IWebService] = []
        self.intakes: Sequence[IIntake] = ()
        self._options = options
        self._settings = options.settings
        self._aggregator = aggregator
        self._outboxes = outboxes

    def reload(self) -> None:
        """Take over what may change; on an error everything stays as it is.

        What was changed and needs a restart is named in one warning.
        """
        restart = self._reread()
        if restart is None:
            return
        self._aggregator.levels = self._settings.levels
        self._reload_backends()
        for intake in self.intakes:
            intake.reload()
        for page in self.pages:
            page.reload(self._settings.web_credentials)
        self.tell()
        if restart:
            self._log.warn(
                "changed, but taken over at a restart only: {options}", options=", ".join(restart)
            )

    def reload_secrets(self) -> None:
        """Take over what the backends need for the last deliveries of a stop.

        A key that was mended counts, also where nobody thought of a reload.
        """
        if self._options.has_files and self._reread() is not None:
            self._reload_backends()

    def tell(self) -> None:
        """Log what passes, and whose secrets others may read."""
        self._tell_levels(self._settings.levels)
        for option, path in self._options.secret_files.items():
            if others_may_read(path):
                self._log.warn(
                    "{option}: others may read {path}; chmod it to 600", option=option, path=path
                )

    def _reread(self) -> Sequence[str] | None:
        """Read the settings anew; return the options that need a restart, None on an error."""
        try:
            options = self._options.reread()
        except usage.UsageError as error:
            self._log.error("nothing reloaded: {error}", error=error)
            return None
        self._options = options
        self._settings, restart = reloaded(self._settings, options.settings)
        return restart

    def _reload_backends(self) -> None:
        for outbox, choice in zip(self._outboxes, self._settings.backends, strict=True):
            outbox.filter = choice.filter
            try:
                outbox.backend.reload(choice.settings)
            except Exception:  # a backend's bug must not keep the others from it, nor stop a stop
                self._log.failure("{backend} failed to reload", backend=outbox.backend.name)
            # With a mended key or address, what was postponed has no reason to wait any more.
            outbox.retry()

    def _tell_levels(self, levels: LevelFilter) -> None:
        """Log what passes, custom labels by name, so that a misspelt level shows."""
        if levels.custom:
            self._log.warn(
                "levels: {levels} (not standard levels: {custom})",
                levels=levels,
                custom=", ".join(levels.custom),
            )
        else:
            self._log.info("levels: {levels}", levels=levels)


class Reloaded(NamedTuple):
    """The settings that are in force now, and the options that were changed to no effect."""

    settings: Settings
    restart: Sequence[str]


def reloaded(running: Settings, read: Settings) -> Reloaded:
    """Return what holds once `read` has been taken over, as far as that goes, from `running`."""
    kept = {field: getattr(running, field) for field in RESTART}
    restart = [RESTART[field] for field, value in kept.items() if getattr(read, field) != value]
    settings = read._replace(**kept)
    if (running.web_credentials is None) != (read.web_credentials is None):
        settings = settings._replace(web_credentials=running.web_credentials)
        restart.append("--web-credentials")
    backends, changed = _backends(running.backends, read.backends)
    return Reloaded(settings._replace(backends=backends), [*restart, *changed])


def _backends(
    running: Sequence[BackendChoice], read: Sequence[BackendChoice]
) -> tuple[tuple[BackendChoice, ...], list[str]]:
    """Return the running backends as they are now, and what of them needs a restart.

    A backend is known by its name, and those of one name by their order.
    """
    waiting: dict[str, deque[BackendChoice]] = defaultdict(deque)
    for choice in read:
        waiting[choice.maker.name].append(choice)
    names = [[choice.maker.name for choice in choices] for choices in (running, read)]
    restart = [] if names[0] == names[1] else ["--backend"]
    merged = []
    for choice in running:
        same_name = waiting[choice.maker.name]
        now = same_name.popleft() if same_name else choice
        settings = dict(choice.settings)
        for name in choice.maker.reloaded:
            if name in now.settings:
                settings[name] = now.settings[name]
        merged.append(choice._replace(settings=settings, filter=now.filter))
        if settings != now.settings:
            restart.append(f"--backend {choice.maker.name}")
    return tuple(merged), list(dict.fromkeys(restart))
