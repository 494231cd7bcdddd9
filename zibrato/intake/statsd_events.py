"""Parses events and service checks of DogStatsD, which become annotations."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from zibrato.intake.statsd_heads import HeadError, parse_tags, parse_text, parse_time
from zibrato.model import Annotation

EVENT = b"_e{"
CHECK = b"_sc|"
STREAM = b"events"
STATES = {b"0": b"ok", b"1": b"warning", b"2": b"critical", b"3": b"unknown"}
PRIORITIES = {b"normal", b"low"}
ALERTS = {b"info", b"warning", b"error", b"success"}
MAX_FIELD = 8192
"""The most bytes of a title, a text or a field; the Datadog Agent accepts as many for an event."""
_EVENT = re.compile(rb"_e\{([0-9]{1,5}),([0-9]{1,5})\}:(.*)", re.S)
_Fields = Mapping[bytes, bytes]


def parse_event(line: bytes, now: float) -> Annotation:
    """Return the annotation of an event, `_e{5,4}:title|text|FIELDS`; raises HeadError.

    Its stream is the event's source type, by default `events`.
    """
    match = _EVENT.fullmatch(line.rstrip(b"\r"))
    if match is None:
        raise HeadError("event")
    sizes, rest = [int(size) for size in match.groups()[:2]], match[3]
    title, bar, text = rest[: sizes[0]], rest[sizes[0] : sizes[0] + 1], rest[sizes[0] + 1 :]
    text, more = text[: sizes[1]], text[sizes[1] :]
    if bar != b"|" or not title or len(text) < sizes[1] or more[:1] not in {b"", b"|"}:
        raise HeadError("event")
    fields = _fields(more[1:].split(b"|") if more else (), b"dhkpst")
    if fields.get(b"p", b"low") not in PRIORITIES or fields.get(b"t", b"info") not in ALERTS:
        raise HeadError("event")
    known = {"alert_type": fields.get(b"t"), "priority": fields.get(b"p"), "key": fields.get(b"k")}
    texts = (fields.get(b"s", b"") or STREAM, title, text)
    return _annotation(texts, fields, now, known)


def parse_check(line: bytes, now: float) -> Annotation:
    """Return the annotation of a service check, `_sc|name|status|FIELDS`; raises HeadError.

    Its stream is the check's name, and its title the status.
    """
    name, _, behind = line.removeprefix(CHECK).rstrip(b"\r").partition(b"|")
    status, *fields = behind.split(b"|")
    if not name or status not in STATES:
        raise HeadError("event")
    said = _fields(fields, b"dhm", b"m")
    message = said.get(b"m", b"").replace(b"m\\:", b"m:")  # as Datadog's clients escape it
    return _annotation((name, STATES[status], message), said, now, {})


def _fields(texts: Sequence[bytes], known: bytes, message: bytes = b"") -> _Fields:
    """Return the fields by their letters; the last of several counts. Raises HeadError.

    In the field `message`, which comes after all others that are known, a bar may be part of it.
    """
    fields: dict[bytes, bytes] = {}
    for text in texts:
        name, colon, value = (b"#", b":", text[1:]) if text[:1] == b"#" else text.partition(b":")
        # c and e, which name the container, may be in any line; longer names are extensions.
        if colon and name and (len(name) > 1 or name in known + b"#ce"):
            fields[name] = value
        elif message in fields:
            fields[message] += b"|" + text
        else:
            raise HeadError("event")
    return fields


def _annotation(
    texts: tuple[bytes, bytes, bytes],
    fields: _Fields,
    now: float,
    known: Mapping[str, bytes | None],
) -> Annotation:
    """Return an annotation of `texts` (stream, title, text), with fields and `known` tags."""
    if max(map(len, (*texts, *fields.values()))) > MAX_FIELD:
        raise HeadError("event")
    stream, title, text = map(_text, texts)
    when = parse_time(fields[b"d"]) if b"d" in fields else now
    tags = parse_tags(fields.get(b"#", b""))
    tags |= {name: _text(value) for name, value in known.items() if value}
    return Annotation(
        stream=stream,
        title=title,
        text=text,
        source=_text(fields.get(b"h", b"")),
        when=when,
        tags=tuple(sorted(tags.items())),
    )


def _text(data: bytes) -> str:
    return parse_text(data).replace("\\n", "\n")
