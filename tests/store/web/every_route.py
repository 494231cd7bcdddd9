"""Every route of all that is served, found in the resource tree, with a good request for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from klein import Klein
from twisted.web.resource import Resource

from tests.store.cases import START

STREAM = "/v1/annotations/<name>"
EVENT = f"{STREAM}/<int:event_id>"
TIME = {"duration": "600", "resolution": "1"}
GAUGE = {
    "name": "m", "value": 1, "source": "s", "measure_time": START, "period": 10,
    "display_name": "M", "description": "d", "attributes": {"color": "#fff", "display_min": 0},
}  # fmt: skip
SUMMARY = {
    "name": "n", "count": 2, "sum": 3, "min": 1, "max": 2, "sum_squares": 5, "last": 1,
}  # fmt: skip
DESCRIPTION = {
    "display_name": "M", "description": "d", "period": 60, "color": "red",
    "attributes": {"display_units_short": "ms", "summarize_function": "sum", "gap_detection": "1"},
}  # fmt: skip
ANNOTATION = {
    "title": "t", "source": "s", "description": "d", "start_time": START, "end_time": START + 5,
    "links": [{"rel": "r", "href": "https://example.com/", "label": "l"}],
}  # fmt: skip


class Good(NamedTuple):
    """A request that is answered, as far as it differs: what stands for `<…>`, query, body."""

    segments: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    body: Any = None


NAME = {"<name>": "m"}
IN_STREAM = {"<name>": "stream", "<int:event_id>": "EVENT", "<rel>": "r"}
PAGE = {"name": "m", "offset": "0", "length": "9", "sort": "desc", "orderby": "name"}
GOOD: Mapping[tuple[str, str], Good] = {
    ("GET", "/"): Good(),
    ("GET", "/favicon.ico"): Good(),
    ("GET", "/static/<path:name>"): Good({"<path:name>": "index.html"}),
    ("GET", "/events"): Good(),
    ("GET", "/data/series"): Good(),
    ("GET", "/data/health"): Good(),
    ("GET", "/data/plot"): Good(
        query={"ids": "1,2", "start": str(START - 60), "end": str(START + 60), "points": "100"}
    ),
    ("GET", "/data/annotations"): Good(query={"start": "1", "end": str(START)}),
    ("POST", "/v1/metrics/"): Good(
        body={
            "gauges": [GAUGE, SUMMARY],
            "counters": [{"name": "c", "value": 1}],
            "source": "s",
            "measure_time": START,
        }
    ),
    ("GET", "/v1/metrics/"): Good(query=PAGE),
    ("PUT", "/v1/metrics/"): Good(body={"names": ["m*"], **DESCRIPTION}),
    ("DELETE", "/v1/metrics/"): Good(body={"names": ["n*"], "exclude": ["m"]}),
    ("GET", "/v1/metrics/<name>"): Good(
        NAME,
        {
            **TIME, "end_time": str(START + 9), "count": "9", "sources[]": "s*", "source": "s",
            "breakout_sources": "true", "summarize_sources": "1", "summarize_time": "1",
            "group_by": "sum", "format": "json",
        },
    ),
    ("PUT", "/v1/metrics/<name>"): Good(NAME, body={"type": "gauge", **DESCRIPTION}),
    ("DELETE", "/v1/metrics/<name>"): Good(NAME),
    ("POST", "/v1/measurements/"): Good(
        body={
            "measurements": [
                {"name": "t", "value": 1, "tags": {"host": "a"}, "time": START},
                {**SUMMARY, "name": "u", "period": 10},
            ],
            "tags": {"region": "eu"},
            "time": START,
            "period": 10,
        }
    ),
    ("GET", "/v1/measurements/"): Good(query={"compose": 's("m", "*")', **TIME}),
    ("GET", "/v1/measurements/<name>"): Good(
        {"<name>": "t"},
        {
            **TIME, "tags[host]": "a*", "tags_search": "host=a* and not (x=b or !host)",
            "group_by": "host", "group_by_function": "sum", "summary_function": "max",
            "format": "json", "count": "9", "end_time": str(START + 9),
        },
    ),
    ("GET", "/v1/annotations/"): Good(query={**PAGE, "name": "s"}),
    ("GET", STREAM): Good(
        IN_STREAM, {"start_time": "1", "end_time": str(START), "sources[]": "*", "source": "s"}
    ),
    ("POST", STREAM): Good(IN_STREAM, body=ANNOTATION),
    ("PUT", STREAM): Good(IN_STREAM, body={"display_name": "S"}),
    ("DELETE", STREAM): Good(IN_STREAM),
    ("GET", EVENT): Good(IN_STREAM),
    ("PUT", EVENT): Good(IN_STREAM, body=ANNOTATION),
    ("DELETE", EVENT): Good(IN_STREAM),
    ("POST", f"{EVENT}/links"): Good(IN_STREAM, body=ANNOTATION["links"][0]),  # type: ignore[index]  # of values of all types
    ("GET", f"{EVENT}/links/<rel>"): Good(IN_STREAM),
    ("DELETE", f"{EVENT}/links/<rel>"): Good(IN_STREAM),
    ("GET", "/v1/sources/"): Good(query={**PAGE, "name": "s"}),
    ("GET", "/v1/sources/<name>"): Good({"<name>": "s"}),
    ("PUT", "/v1/sources/<name>"): Good({"<name>": "s"}, body={"display_name": "S"}),
}  # fmt: skip
"""By method and route. What has several ways to ask, and can have but one at a time, has one."""


def routes(resource: Resource, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Generate method and route of all that a resource and those below it answer for."""
    for value in vars(resource).values():
        if isinstance(value, Klein):
            for rule in value.url_map.iter_rules():
                for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                    yield method, prefix + rule.rule
        elif isinstance(value, Resource):
            yield from routes(value, prefix)
    for segment, child in resource.children.items():
        yield from routes(child, f"{prefix}/{segment.decode()}")
