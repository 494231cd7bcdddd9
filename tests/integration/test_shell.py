"""`zibrato send` and `zibrato time` with a real daemon: what they say they sent has arrived."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.integration.processes import BIN, DEADLINE, daemon


def test_a_deploy_is_counted_and_a_build_is_timed(tmp_path: Path) -> None:
    log, socket = tmp_path / "log", f"ipc://{tmp_path}/socket"
    environment = {**os.environ, "ZIBRATO_SOCKET": socket, "ZIBRATO_SOURCE": "ci"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(BIN / "zibrato"), *arguments],
            env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False,
        )  # fmt: skip

    options = ("--flush-interval", "60", "--backend", f"log:path={log}", "--outbox", "none")
    with daemon("--socket", socket, *options) as process:
        sent = run("send", "counter", "deploys", "3", "--level", "warning", "--acknowledged")
        assert (sent.returncode, sent.stderr) == (0, "")
        built = run("time", "build", "--tag", "branch=main", "--", "sh", "-c", "echo out; exit 3")
        assert (built.returncode, built.stdout, built.stderr) == (3, "out\n", "")
        process.stop()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    series = {line["name"]: line for line in lines if not line["name"].startswith("zibrato.")}
    deploys, build = series["deploys"], series["build"]
    assert (deploys["kind"], deploys["sum"], deploys["level"]) == ("counter", 3, "warning")
    assert (build["kind"], build["count"], build["source"]) == ("timer", 1, "ci")
    assert build["tags"] == {"branch": "main", "outcome": "error", "status": "3"}
