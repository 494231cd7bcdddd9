"""HUP while clients send: backends and sockets come, change and go, and the account is exact."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.integration.processes import daemon, eventually
from zibrato import Zibrato

FIRST: Mapping[str, str] = {"whole": "whole", "moving": "first"}
STEPS: Sequence[tuple[Sequence[str], Mapping[str, str]]] = [
    (["a", "b"], {**FIRST, "coming": "coming"}),
    (["b", "a"], {"coming": "coming", "whole": "whole", "moving": "second"}),
    (["a"], {"whole": "whole", "moving": "third"}),
    (["a", "b", "c"], {"moving": "third", "whole": "whole", "coming": "coming"}),
    (["c", "b", "a"], FIRST),
]
"""Sockets, and the file of each backend by its name."""


class Reloaded:
    """A daemon whose configuration says which sockets it has and to which files it writes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "zibrato.toml"
        self.write(["a"], FIRST)
        self.process = daemon("--config", str(self.config))
        self.process.wait_for("levels: ")

    def endpoint(self, name: str) -> str:
        return f"ipc://{self.directory}/{name}"

    def write(self, sockets: Sequence[str], files: Mapping[str, str]) -> None:
        """Write the configuration."""
        backends = "".join(
            f'[[backend]]\ntype = "log"\nname = "{name}"\npath = "{self.directory}/{file}"\n'
            for name, file in files.items()
        )
        self.config.write_text(
            f"flush-interval = 0.2\nsource = 'here'\noutbox = '{self.directory}/outbox'\n"
            f"socket = {json.dumps([self.endpoint(name) for name in sockets])}\n{backends}"
        )

    def reload(self, sockets: Sequence[str], files: Mapping[str, str]) -> None:
        """Have it reload, and wait until that is under way."""
        self.write(sockets, files)
        reloads = self.process.output.count("] reloaded\n")
        self.process.send(signal.SIGHUP)
        eventually(lambda: self.process.output.count("] reloaded\n") > reloads)

    def resources(self) -> tuple[int, int]:
        """Return how many descriptors and threads it has."""
        process = Path(f"/proc/{self.process.popen.pid}")
        return len([*(process / "fd").iterdir()]), len([*(process / "task").iterdir()])

    def calls(self, *files: str) -> Counter[tuple[float, float]]:
        """Return the lines of calls that the files have: the start of the interval, and the sum."""
        calls: Counter[tuple[float, float]] = Counter()
        for file in files:
            path = self.directory / file
            lines = path.read_text().splitlines(keepends=True) if path.exists() else []
            for record in (json.loads(line) for line in lines if line.endswith("\n")):
                if record["name"] == "calls":
                    calls[record["start"], record["sum"]] += 1
        return calls

    def total(self, *files: str) -> float:
        """Return how many calls the files have."""
        return sum(calls * times for (_, calls), times in self.calls(*files).items())


class Counting:
    """Counts in a thread over a socket of the daemon, until its `with` block ends."""

    def __init__(self, endpoint: str, *, acknowledged: bool = False) -> None:
        self.made = 0
        self._endpoint = endpoint
        self._acknowledged = acknowledged
        self._stop = Event()
        self._thread = Thread(target=self._run, daemon=True)

    def __enter__(self) -> Counting:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with Zibrato(self._endpoint, linger=30, acknowledged=self._acknowledged) as z:
            while not self._stop.wait(0.001):
                z.count(name="calls")
                self.made += 1


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reloaded]:
    made = Reloaded(tmp_path_factory.mktemp("reloaded"))
    with made.process:
        yield made


def test_nothing_is_lost_while_all_of_it_changes(running: Reloaded) -> None:
    (a, b) = (running.endpoint(name) for name in "ab")
    with Counting(a, acknowledged=True) as first, Counting(b) as second:
        for sockets, files in STEPS:
            running.reload(sockets, files)
            before = {file: running.total(file) for file in files.values()}
            eventually(lambda had=before: all(running.total(f) > had[f] for f in had))  # type: ignore[misc]
    # The client of a socket that was closed kept what it had until that was open again.
    eventually(lambda: running.total("whole") >= first.made + second.made)
    whole = running.calls("whole")
    assert running.total("whole") == first.made + second.made
    eventually(lambda: running.total("first", "second", "third") >= running.total("whole"))
    assert running.calls("first", "second", "third") == whole
    assert running.calls("coming") < whole
    assert "Traceback" not in running.process.output


def test_reloads_leave_nothing_behind(running: Reloaded) -> None:
    most = running.resources()  # with more sockets than at the end
    for _ in range(10):
        running.reload(["a", "b"], {**FIRST, "coming": "coming"})
        running.reload(["a"], FIRST)
    eventually(lambda: all(map(int.__le__, running.resources(), most)))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("web = 'tcp:5580'", "--web: no backend here has a page; add --backend store"),
        ("statsd = ['udp:1', 'udp:0.0.0.0:1']", "--statsd: udp:0.0.0.0:1 is taken by another --st"),
        ("leves = 'info'", r"--config: .* can't set 'leves'; did you mean levels\?"),
        ("statsd = 'unix:/nix/da/s'", r"--statsd: can't use unix:/nix/da/s"),
        ("[[backend]]\ntype = 'log'\npath = '/nix/da/l'", "--backend log: path: expected a file"),
    ],
)
def test_a_bad_file_changes_nothing_and_says_why(
    running: Reloaded, line: str, complaint: str
) -> None:
    running.write(["z"], {"other": "other"})
    rest = running.config.read_text()
    running.config.write_text(f"{rest}{line}\n" if line[0] == "[" else f"{line}\n{rest}")
    running.process.send(signal.SIGHUP)
    running.process.wait_for(f"nothing reloaded: {complaint}")
    had = running.total("whole")
    with Counting(running.endpoint("a")):
        eventually(lambda: running.total("whole") > had)
    assert not (running.directory / "other").exists()
    assert not (running.directory / "z").exists()


def test_a_file_that_was_emptied_removes_nothing(running: Reloaded) -> None:
    running.config.write_text("")
    running.process.send(signal.SIGHUP)
    running.process.wait_for(r"nothing reloaded: --config: .*zibrato\.toml is empty, as if it were")
    had = running.total("whole")
    with Counting(running.endpoint("a")):
        eventually(lambda: running.total("whole") > had)


def test_what_a_store_is_to_replace_stays_until_the_restart(running: Reloaded) -> None:
    running.write(["a"], {})
    with running.config.open("a") as file:
        file.write(f"[[backend]]\ntype = 'store'\npath = '{running.directory}/store'\n")
    running.process.send(signal.SIGHUP)
    others = r"--backend whole \(log\), --backend moving \(log\)"
    running.process.wait_for(f"a restart is needed to apply: --web, --backend store, {others}$")
    had = running.total("whole")
    with Counting(running.endpoint("a")):
        eventually(lambda: running.total("whole") > had)
    running.process.stop()
    assert "Traceback" not in running.process.output
