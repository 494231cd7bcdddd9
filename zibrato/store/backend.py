"""Keeps measurements in a SQLite file; settings: path, max_bytes, retention, max_stored_series."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from zibrato.backends.settings import check_names, claim_path
from zibrato.files.file_lock import FileLock
from zibrato.files.sqlite_file import UnusableFileError
from zibrato.interfaces import (
    BackendContext,
    DaemonInfo,
    Delivery,
    IAnnotationBackend,
    IDescribingBackend,
    IUnitBackend,
    IWebBackend,
    IWebService,
    Reactor,
    RetryLater,
)
from zibrato.model import MAX_NAME_LENGTH, Annotation, Identity, Snapshot
from zibrato.store.db import annotation_events, metadata
from zibrato.store.db.annotation_events import EventFields
from zibrato.store.db.database import Database
from zibrato.store.db.errors import TooLargeError
from zibrato.store.db.files import check_kind, claim, default_path
from zibrato.store.db.losses import Losses
from zibrato.store.db.reader import Reader
from zibrato.store.db.series_index import MAX_SERIES
from zibrato.store.db.tiers import RETENTION, Tier, parse_retention
from zibrato.store.options import series_bound
from zibrato.store.store import Store
from zibrato.threads import Inline, Threads, Workers
from zibrato.unit_suffixes import parse_size

MAX_BYTES = 8 << 30
"""Default maximum size of the file."""
READERS = 3
"""Threads that read the file."""
_Identified = tuple[Snapshot, "Identity | None"]


class _Settings(NamedTuple):
    path: Path
    tiers: Sequence[Tier]
    max_bytes: int
    max_series: int


def make(settings: Mapping[str, str], context: BackendContext) -> StoreBackend:
    """Return the backend of a file; raises ValueError if the file can't be written."""
    path, tiers, max_bytes, max_series = _parsed(settings)
    claim_path(path.resolve(), context.files)
    lock = _claimed(path, tiers, context)
    if not context.is_trial:
        StoreBackend._log.info("measurements are kept in {path}", path=str(path))
    writing, reading = _workers(context)
    database = Database(
        context.reactor, path, tiers, max_bytes,
        writing=writing, reading=reading, losses=_losses(context), lock=lock, max_series=max_series,
    )  # fmt: skip
    return StoreBackend(Store(database))


def _parsed(settings: Mapping[str, str]) -> _Settings:
    check_names(settings, "path", "max_bytes", "retention", "max_stored_series")
    given = settings.get("path")
    path = Path(os.path.expanduser(given) if given else default_path(os.environ)).absolute()
    tiers = parse_retention(settings.get("retention", RETENTION))
    max_bytes = _max_bytes(settings.get("max_bytes", str(MAX_BYTES)))
    max_series = series_bound(
        "max_stored_series", settings.get("max_stored_series", str(MAX_SERIES))
    )
    return _Settings(path, tiers, max_bytes, max_series)


def _claimed(path: Path, tiers: Sequence[Tier], context: BackendContext) -> FileLock | None:
    """Lock the file, except in a trial: to read the file, SQLite would create others beside it."""
    if not context.is_trial:
        return claim(path, [tier.step for tier in tiers])
    with suppress(OSError):
        check_kind(path)
    return None


def _workers(context: BackendContext) -> tuple[Workers, Workers]:
    """Return the writer and the readers; a trial has no threads, as no reactor would end them."""
    if context.is_trial:
        return Inline(), Inline()
    return (
        Threads(context.reactor, "zibrato store writer", 1),
        Threads(context.reactor, "zibrato store reader", READERS),
    )


def _losses(context: BackendContext) -> Losses:
    """Return an account for any thread; the reactor's thread does the counting."""

    def count(name: str, value: int, tag: str, tag_value: str) -> None:
        context.reactor.callFromThread(context.count, name, value, **{tag: tag_value})

    return Losses(count, lambda line: StoreBackend._log.error("the store: {line}", line=line))


@implementer(IWebBackend, IAnnotationBackend, IDescribingBackend, IUnitBackend)
class StoreBackend:
    """Delivers snapshots to `store`, which keeps and shows them."""

    name = "store"
    _log = Logger()

    def __init__(self, store: Store) -> None:
        self.store = store

    def deliver(self, delivery: Delivery) -> Deferred[None]:
        """Store the snapshots; once begun, this is finished even if it is cancelled."""
        return Deferred.fromCoroutine(self._deliver(delivery))

    def annotate(self, annotation: Annotation) -> Deferred[None]:
        """Store the annotation as an event of its stream; its tags are put into the description."""
        described = [
            annotation.text,
            ", ".join(f"{name}:{value}" for name, value in annotation.tags),
        ]
        fields: EventFields = {
            "title": annotation.title,
            "description": "\n".join(filter(None, described)) or None,
            "source": annotation.source,
            "start_time": int(annotation.when),
        }
        stream = annotation.stream[:MAX_NAME_LENGTH]
        written = self.store.database.write(
            lambda writer: annotation_events.create(writer, stream, fields)
        )
        return written.addCallback(lambda _: None)

    def keep_units(self, units: Mapping[str, str]) -> Deferred[None]:
        """Store the units in the metrics' metadata, and show them."""
        written = self.store.database.write(lambda writer: metadata.add_units(writer, units))
        return written.addCallback(self.store.describe)

    def descriptions(self) -> Deferred[Mapping[str, str]]:
        """Return the descriptions of metrics; the default is the name for people."""
        return self.store.database.read(_descriptions)

    def reload(self, _settings: Mapping[str, str]) -> None:
        """Do nothing: the store has no secret."""

    def stop(self) -> Deferred[None]:
        """Close the file."""
        return Deferred.fromCoroutine(self.store.database.stop())

    def web_service(
        self, reactor: Reactor, description: str, credentials: Path | None, daemon: DaemonInfo
    ) -> IWebService:
        """Return the service of the page and the API at a Twisted endpoint."""
        from zibrato.store.web import endpoint  # noqa: PLC0415 - only with a page
        from zibrato.store.web.service import WebService  # noqa: PLC0415 - klein imports a reactor

        self.store.daemon = daemon
        self.store.live.interval = daemon.interval
        endpoint.server_endpoint(reactor, description)
        endpoint.check_can_listen(description)
        return WebService(reactor, self.store, description, credentials)

    async def _deliver(self, delivery: Delivery) -> None:
        if delivery.requests is None:
            delivery.requests = [[*zip(delivery.snapshots, delivery.identities, strict=True)]]
        waiting = cast("list[list[_Identified]]", delivery.requests)
        while waiting:
            together = waiting[0]
            kept = await self._keep(together)
            if not kept and len(together) > 1:  # one by one they may have room
                waiting[:1] = [[one] for one in together]
                continue
            del waiting[0]
            number = sum(snapshot.measurements for snapshot, _ in together)
            account = delivery.delivered if kept else partial(delivery.dropped, reason="too_large")
            account(number if waiting else delivery.pending)

    async def _keep(self, together: Sequence[_Identified]) -> bool:
        """Store snapshots in one transaction; return whether the file has room for them."""
        try:
            await self.store.add([one for one, _ in together], [one for _, one in together])
        except TooLargeError:
            return False
        except (sqlite3.Error, OSError, UnusableFileError) as error:
            raise RetryLater(f"{self.store.database.path}: {error}") from None
        return True


def _descriptions(reader: Reader) -> Mapping[str, str]:
    *_, metrics = metadata.page(reader, "", 0, metadata.MAX_DESCRIPTIONS)
    texts = {metric.name: metric.description or metric.display_name for metric in metrics}
    return {name: text for name, text in texts.items() if text}


def _max_bytes(text: str) -> int:
    try:
        return parse_size(text)
    except ValueError as error:
        raise ValueError(f"max_bytes: {error}") from None
