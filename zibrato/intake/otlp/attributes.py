"""Maps OTLP's attributes to sources, tags and levels, and identifies streams by them."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import blake2b
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

LEVEL = "level"
"""The attribute of a data point that is its level."""
SOURCES = ("service.instance.id", "host.name")
"""The attributes of a resource of which the first one becomes the source that isn't a UUID: SDKs
generate a UUID for each process, so every restart would begin new series."""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)
SDK = "telemetry.sdk.language"
"""The attribute that the resource of every SDK has."""
RESOURCE_TAGS = (
    "service.namespace", "service.name", "deployment.environment", "deployment.environment.name"
)  # fmt: skip
"""The attributes of a resource that become tags; others describe hosts, processes and SDKs."""
UNKNOWN = "unknown_service"
"""The name that SDKs give to a service without a name; `:` and the program may follow it."""
_UNKNOWN_PROGRAM = f"{UNKNOWN}:"
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


class Resource(NamedTuple):
    """An OTLP resource: the source and tags of its series, and the hash of what identifies it.

    `has_sdk` is whether an SDK measures, and not a collector that found totals elsewhere.
    """

    source: str | None
    tags: Mapping[str, str]
    identity: bytes
    has_sdk: bool = False


def texts(attributes: Iterable[KeyValue]) -> dict[str, str]:
    """Return the attributes as texts, without empty ones, which no tag can be."""
    pairs = ((attribute.key, text_of(attribute.value)) for attribute in attributes)
    return {key: text for key, text in pairs if text}


def text_of(value: AnyValue) -> str:
    """Return a string unchanged, bytes in base64, nothing as nothing, and other values as JSON.

    OpenTelemetry specifies this for protocols that have only texts.
    """
    plain = _plain(value)
    if plain is None:
        return ""
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()


def identity_of(attributes: Iterable[KeyValue]) -> Sequence[bytes]:
    """Return what identifies attributes; unlike texts, it has types and attributes without value.

    The same tags can belong to several streams, whose totals must not be confused.
    """
    return sorted(attribute.SerializeToString(deterministic=True) for attribute in attributes)


def resource_of(attributes: Collection[KeyValue]) -> Resource:
    """Return the resource with these attributes."""
    known = texts(attributes)
    named = (known[name] for name in SOURCES if name in known)
    source = next((name for name in named if not _UUID.fullmatch(name)), None)
    tags = {name: known[name] for name in RESOURCE_TAGS if name in known}
    service = tags.get("service.name", "")
    if service == UNKNOWN or service.startswith(_UNKNOWN_PROGRAM):
        del tags["service.name"]
    return Resource(source, tags, hash_of(identity_of(attributes)), SDK in known)


def hash_of(*identity: object) -> bytes:
    """Return a hash of what identifies something, in 16 bytes, however long that is."""
    return blake2b(repr(identity).encode(), digest_size=16).digest()


def _plain(value: AnyValue) -> object:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [_plain(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {item.key: _plain(item.value) for item in value.kvlist_value.values}
    if kind == "bytes_value":
        return b64encode(value.bytes_value).decode()
    if kind == "double_value" and not isfinite(value.double_value):
        return _NOT_FINITE[str(value.double_value)]
    plain: object = getattr(value, kind)
    return plain
