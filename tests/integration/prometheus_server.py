"""Debian's Prometheus, and VictoriaMetrics, as processes of a test's own, and what to ask them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from tests.integration.processes import Process, eventually
from tests.ports import free_port

READY = "Server is ready to receive web requests"


class PromQl:
    """A server that answers PromQL at `url`; ended with the `with` block."""

    def __init__(self, process: Process, url: str) -> None:
        self.process = process
        self.url = url

    def __enter__(self) -> PromQl:
        return self

    def __exit__(self, *error: Any) -> None:
        self.process.__exit__(*error)

    def query(self, query: str, when: float | None = None) -> list[tuple[dict[str, str], float]]:
        """Return what a query comes to: labels and value of each series."""
        asked = {"query": query} if when is None else {"query": query, "time": str(when)}
        with urlopen(f"{self.url}/api/v1/query?{urlencode(asked)}") as response:
            answer = json.load(response)
        assert answer["status"] == "success", answer
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def value(self, query: str, when: float | None = None) -> float | None:
        """Return what a query of one series comes to; None where there is none."""
        answer = self.query(query, when)
        assert len(answer) < 2, answer
        return answer[0][1] if answer else None


class VictoriaMetrics(PromQl):
    """One that has what it took visible at once, not some ten seconds later."""

    def query(self, query: str, when: float | None = None) -> list[tuple[dict[str, str], float]]:
        """Return what a query comes to: labels and value of each series."""
        with urlopen(f"{self.url}/internal/force_flush"):
            return super().query(query, when)


def wait_for_value(server: PromQl, query: str, expected: float) -> None:
    """Wait until a query comes to a value, and assert that it is no other then.

    It isn't asked again for that: after a scrape that took too long it comes to nothing.
    """
    value = 0.0

    def is_there() -> bool:
        nonlocal value
        value = server.value(query) or 0.0
        return value >= expected

    eventually(is_there)
    assert value == expected


def prometheus(directory: Path, *options: str, targets: tuple[str, ...] = ()) -> PromQl:
    """Return a Prometheus that scrapes `targets` every 0.2 s, once it answers."""
    program = _program("prometheus")
    configuration = directory / "prometheus.yml"
    configuration.write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
        "scrape_configs:\n"
        f"- {{job_name: zibrato, static_configs: [{{targets: {json.dumps(targets)}}}]}}\n"
    )
    port = free_port()
    process = Process(
        [
            program,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={directory}/prometheus",
            f"--web.listen-address=127.0.0.1:{port}",
            *options,
        ]
    )
    return PromQl(process, _answering(process, f"http://127.0.0.1:{port}", READY))


def victoria_metrics(directory: Path, *options: str) -> PromQl:
    """Return a VictoriaMetrics, once it answers."""
    port = free_port()
    process = Process(
        [
            _program("victoria-metrics"),
            f"-storageDataPath={directory}/victoria",
            f"-httpListenAddr=127.0.0.1:{port}",
            "-search.latencyOffset=0s",
            *options,
        ]
    )
    url = _answering(process, f"http://127.0.0.1:{port}", "started VictoriaMetrics")
    return VictoriaMetrics(process, url)


def _answering(process: Process, url: str, ready: str) -> str:
    """Return the URL of a process once it is ready; one that never is is ended."""
    try:
        process.wait_for(ready)
    except AssertionError:
        process.__exit__(None, None, None)
        raise
    return url


def _program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} isn't installed")
    return path
