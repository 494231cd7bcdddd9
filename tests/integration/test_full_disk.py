"""A daemon whose disk is full for a while: acknowledged clients wait, and nothing is lost."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.librato_server import LibratoServer
from tests.integration.processes import BIN, Process, eventually
from tests.integration.shipping import account, counting, made_by
from tests.integration.tally import Tally

NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
MOUNT = 'mount -t tmpfs -o size=4m none "$0" && exec "$@"'


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Where a small disk is to be mounted, for one process alone."""
    if not shutil.which("unshare") or subprocess.run([*NAMESPACE, "true"], check=False).returncode:
        pytest.skip("this system lets nobody mount a file system of their own")
    path = tmp_path / "disk"
    path.mkdir()
    return path


def fill(path: Path) -> None:
    """Write a file that takes all that is left of its disk."""
    with path.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))


@pytest.mark.fault("the disk of the outbox is full")
def test_a_full_disk_costs_time(
    tmp_path: Path, disk: Path, account_for: Callable[[Tally], None]
) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    with LibratoServer() as server:
        timing = ("--flush-interval", "1", "--stop-timeout", "30")
        options = ("--socket", endpoint, *timing, "--outbox", f"{disk}/outbox")
        twistd = (str(BIN / "twistd"), "-n", "--pidfile=", "zibrato", *options, *account(server))
        with (
            Process([*NAMESPACE, "sh", "-c", MOUNT, str(disk), *twistd]) as process,
            counting(2, endpoint, "1") as programs,
        ):
            eventually(lambda: server.count("hits"))
            # What the process sees at that path, nobody else does.
            filler = Path(f"/proc/{process.popen.pid}/root{disk}/filler")
            fill(filler)
            process.wait_for("full")
            filler.unlink()
            made = made_by(programs)
            process.stop()
        account_for(Tally(made, server.count("hits")))
