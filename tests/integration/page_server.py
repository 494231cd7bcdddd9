"""A stand-in for the daemon's web endpoint that serves the page and made-up measurements.

python tests/integration/page_server.py [PORT] [METRICS]

For what a real daemon can't show at once: a year of data, thousands of metrics, losses.
"""

from __future__ import annotations

import json
import math
import random
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

STATIC = Path(__file__).resolve().parents[2] / "zibrato/store/static"
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:"
)
INTERVAL = 2
SHOP = [
    ("timer", "shop.checkout.duration", "info", 0.082, ("web-1", "web-2", "web-3")),
    ("timer", "shop.render_timer", "debug", 0.0042, ("web-1",)),
    ("timer", "shop.search.query", "info", 0.031, ("web-1", "web-2")),
    ("timer", "db.query", "info", 0.0023, ("db-1",)),
    ("timer", "db.vacuum", "debug", 1.9, ("db-1",)),
    ("counter", "shop.render_counter", "info", 412, ("web-1", "web-2", "web-3")),
    ("counter", "shop.items_sold", "info", 37, ("web-1",)),
    ("counter", "shop.errors", "error", 0.6, ("web-1", "web-2")),
    ("counter", "shop.logins", "info", 11, ("web-2",)),
    ("counter", "cache.hits", "debug", 9300, ("web-1", "web-2", "web-3")),
    ("counter", "cache.misses", "debug", 310, ("web-1", "web-2", "web-3")),
    ("counter", "mail.bounced", "warning", 0.2, ("worker-1",)),
    ("gauge", "queue.depth", "info", 140, ("worker-1", "worker-2")),
    ("gauge", "queue.oldest_seconds", "warning", 4.2, ("worker-1",)),
    ("gauge", "shop.orders", "info", 52310, ("web-1",)),
    ("gauge", "process.resident_bytes", "info", 183e6, ("web-1", "web-2")),
    ("gauge", "db.connections", "info", 23, ("db-1",)),
]
OWN = [
    ("counter", "zibrato.intake.received", {}, 5200),
    ("counter", "zibrato.outbox.accepted", {"backend": "store"}, 5200),
    ("counter", "zibrato.backend.delivered", {"backend": "store"}, 5200),
    ("counter", "zibrato.intake.rejected", {"reason": "bad-value"}, 0.01),
    ("gauge", "zibrato.series", {}, 31),
    ("gauge", "zibrato.outbox.snapshots", {"backend": "store"}, 0),
    ("gauge", "zibrato.outbox.bytes", {"backend": "store"}, 0),
    ("gauge", "zibrato.flush.duration", {}, 0.0031),
    ("gauge", "zibrato.reactor.lag", {}, 0.0011),
    ("gauge", "zibrato.process.resident_memory", {}, 61e6),
]
BOUNDS = [2 ** (exponent / 4) / 1e5 for exponent in range(0, 80)]


def made_up(metrics: int) -> list[dict[str, Any]]:
    """Return series: the shop's, the daemon's, and as many more as `metrics` asks for."""
    rows = [
        (kind, name, level, size, source, {"region": "eu"} if kind == "counter" else {})
        for kind, name, level, size, sources in SHOP
        for source in sources
    ]
    rows += [(kind, name, "info", size, "box", tags) for kind, name, tags, size in OWN]
    rows += [
        (("counter", "timer", "gauge")[n % 3], f"service{n % 40}.part{n}", "info", 10 + n, "box", {})
        for n in range(metrics)
    ]
    return [
        {"id": number, "kind": kind, "name": name, "source": source, "tags": tags, "level": level}
        | {"size": size}
        for number, (kind, name, level, size, source, tags) in enumerate(rows, 1)
    ]


def point(series: dict[str, Any], when: float, length: float) -> dict[str, float] | None:
    """Return what a series measured in `length` seconds from `when`, the same each time."""
    dice = random.Random(f"{series['id']} {when // INTERVAL}")  # noqa: S311
    day = 1 + 0.35 * math.sin(when / 13751) + 0.2 * math.sin(when / 611 + series["id"])
    size = series["size"] * day * dice.lognormvariate(0, 0.08)
    if series["kind"] == "counter":
        total = round(size * length) if size * length > 20 else int(dice.expovariate(1 / (size * length)))
        return dict(count=total, sum=total, min=0, max=0, last=0) if total else None
    if series["kind"] == "gauge":
        near = size * 0.04
        return dict(count=4, sum=size * 4, min=size - near, max=size + near, last=size)
    slow = 1 + 1.4 * max(0.0, math.sin(when / 900 + 2)) ** 12
    p50, p95, p99 = size, size * (1.9 * slow + dice.random() / 3), size * (3.1 * slow + dice.random())
    return dict(count=int(40 * length), sum=size * 48 * length, min=size * 0.35, max=p99 * (1.2 + dice.random()), last=size, p50=p50, p95=p95, p99=p99)


def heat_column(at: dict[str, float] | None) -> list[int]:
    """Return counts for the buckets between BOUNDS."""
    if not at:
        return [0] * (len(BOUNDS) - 1)
    middle, spread = math.log(at["p50"]), math.log(at["p95"] / at["p50"]) / 1.64
    return [
        int(0.25 * at["count"] / spread * math.exp(-(((math.log(bound) - middle) / spread) ** 2) / 2) * (0.6 + 0.8 * random.random()))  # noqa: S311
        for bound in BOUNDS[:-1]
    ]


class PageServer:
    """Serves on an ephemeral port of 127.0.0.1 in threads of its own."""

    def __init__(self, metrics: int = 0, port: int = 0) -> None:
        self.series = made_up(metrics)
        self.stopped = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self.http = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop serving; streams end."""
        self.stopped.set()
        self.http.shutdown()
        self.http.server_close()

    def __enter__(self) -> PageServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def answer(self, path: str, query: dict[str, str]) -> Any:
        """Return what GET `path` answers as JSON."""
        if path == "/data/series":
            return {"now": now(), "interval": INTERVAL, "series": [self.shown(one) for one in self.series]}
        if path == "/data/plot":
            return self.plot(query)
        if path == "/data/annotations":
            return self.annotations(float(query["start"]), float(query["end"]))
        if path == "/data/health":
            return {"series": [self.health(one) for one in self.series if "zibrato." in one["name"]]}
        return None

    def shown(self, one: dict[str, Any]) -> dict[str, Any]:
        """Return a series as the list has it."""
        points = [point(one, now() - INTERVAL * (40 - i), INTERVAL) for i in range(40)]
        field = {"counter": "sum", "timer": "p95", "gauge": "last"}[one["kind"]]
        spark = [at and at[field] for at in points]
        amount = points[-1] and points[-1]["sum" if one["kind"] == "counter" else "count"]
        rate = None if one["kind"] == "gauge" else (amount or 0) / INTERVAL
        return {**one, "last": spark[-1] or 0, "rate": rate, "seen": now(), "spark": spark}

    def plot(self, query: dict[str, str]) -> dict[str, Any]:
        """Return the points of the series asked for."""
        start, end = float(query["start"]), min(float(query["end"]), now())
        step = max(INTERVAL, math.ceil((float(query["end"]) - start) / int(query["points"])))
        times = list(range(int(start // step * step), math.ceil(end), step))
        if query["points"] == "1":
            times, step = times[-1:], INTERVAL
        ids = {int(number) for number in query["ids"].split(",")}
        asked = [one for one in self.series if one["id"] in ids]
        points = [[point(one, at, step) for at in times] for one in asked]
        fields = ("count", "sum", "min", "max", "last", "p50", "p95", "p99")
        rows = [{name: [at and at.get(name) for at in row] for name in fields} for row in points]
        merged = {name: [_merge(name, [row[name][i] for row in rows]) for i in range(len(times))] for name in fields}
        counts = [[sum(cells) for cells in zip(*(heat_column(row[i]) for row in points), strict=True)] for i in range(len(times))] if asked[0]["kind"] == "timer" else []
        return {
            "resolution": step, "times": times, "merged": merged,
            "series": [{"id": one["id"], **row} for one, row in zip(asked, rows, strict=True)],
            "heat": {"bounds": BOUNDS, "counts": counts},
        }  # fmt: skip

    def annotations(self, start: float, end: float) -> list[dict[str, Any]]:
        """Return a deploy and a maintenance window in the later part of the range."""
        length = end - start
        return [
            {"stream": "deploys", "title": "Release 4.2.0", "start": start + length * 0.42, "end": None, "source": "ci", "description": "checkout rewritten"},
            {"stream": "maintenance", "title": "Reindex", "start": start + length * 0.63, "end": start + length * 0.69, "source": "db-1", "description": None},
        ]  # fmt: skip

    def health(self, one: dict[str, Any]) -> dict[str, Any]:
        """Return a series of the daemon with its total."""
        last = point(one, now(), INTERVAL)
        field = "sum" if one["kind"] == "counter" else "last"
        total = int(one["size"] * 86400 * 3) if one["kind"] == "counter" else None
        return {name: one[name] for name in ("name", "tags", "kind")} | {"last": last and last[field], "total": total}

    def interval(self) -> dict[str, Any]:
        """Return the interval that has just closed."""
        found = [(one["id"], point(one, now() - INTERVAL, INTERVAL)) for one in self.series]
        fields = ("count", "sum", "min", "max", "last", "p50", "p95", "p99")
        points = [[number, *(at.get(name) for name in fields)] for number, at in found if at]
        return {"start": now() - INTERVAL, "end": now(), "points": points}


def now() -> int:
    """Return the end of the newest interval."""
    return int(time.time() // INTERVAL * INTERVAL)


def _merge(name: str, values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return sum(known) if name in ("count", "sum") else min(known) if name == "min" else max(known)


class _Handler(BaseHTTPRequestHandler):
    owner: PageServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/events":
            return self._events()
        path = "static/index.html" if parts.path == "/" else parts.path.lstrip("/")
        if path.startswith("static/") and (file := STATIC / path[7:]).is_file():
            return self._send(file.read_bytes(), TYPES.get(file.suffix, "text/plain"))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        found = self.owner.answer(parts.path, query)
        if found is None:
            return self.send_error(404)
        return self._send(json.dumps(found).encode(), "application/json")

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", POLICY)
        self.end_headers()
        self.wfile.write(body)

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.flush()
        while not self.owner.stopped.wait(INTERVAL - time.time() % INTERVAL + 0.01):
            event = json.dumps(self.owner.interval())
            try:
                self.wfile.write(f"event: interval\ndata: {event}\n\n".encode())
                self.wfile.flush()
            except OSError:
                return

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


if __name__ == "__main__":
    port, metrics = [*map(int, sys.argv[1:]), *(5599, 0)[len(sys.argv) - 1 :]]
    with PageServer(metrics, port) as server:
        print(server.url, flush=True)
        threading.Event().wait()
