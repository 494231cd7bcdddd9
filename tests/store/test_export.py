"""The command that writes a file's measurements out."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.cases import START, snapshot
from zibrato.model import GAUGE, Series, Summary
from zibrato.store.db.schema import open_for_writing
from zibrato.store.db.tiers import RETENTION, parse_retention
from zibrato.store.db.writer import Writer
from zibrato.store.export import main, parsed_time

BOUND = 1 << 24
HEADING = "time,name,source,tags,level,kind,count,sum,min,max,sum_squares,last,p50,p95,p99\r\n"


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file with two intervals, that have just passed."""
    monkeypatch.setattr("zibrato.store.export.time.time", lambda: START + 20.0)
    made = tmp_path / "store.sqlite"
    connection = open_for_writing(made, BOUND)
    writer = Writer(connection, parse_retention(RETENTION), BOUND)
    for start in (START, START + 10):
        writer.add_snapshots(snapshot(start))
    connection.close()
    return made


def written(capsysbinary: pytest.CaptureFixture[bytes], *options: str) -> list[bytes]:
    main(options)
    return capsysbinary.readouterr().out.splitlines()


def test_csv_of_a_time_in_steps(path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    span = ("--start", str(START), "--end", str(START + 20), "--store", str(path))
    fine = written(capsysbinary, "COUNTER", *span)
    assert [line.split(b",")[0] for line in fine] == [b"time", b"%d" % START, b"%d" % (START + 10)]
    (_, coarse) = written(capsysbinary, "counter", *span, "--resolution", "3600")
    assert coarse.split(b",")[6:8] == [b"2", b"2.0"]
    assert written(capsysbinary, "counter", *span[:3], str(START + 10), *span[4:]) == fine[:2]


def test_json_lines(path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    options = ("timer", "--format=jsonl", f"--start={START}", f"--store={path}")
    (first, second) = map(json.loads, written(capsysbinary, *options))
    assert (first["time"], second["time"], first["p95"]) == (START, START + 10, 2.0)


@pytest.mark.parametrize(
    ("form", "empty"), [("csv", HEADING), ("jsonl", ""), ("openmetrics", "# EOF\n")]
)
def test_of_a_range_without_anything_there_is_an_empty_text_and_a_line(
    path: Path, capsysbinary: pytest.CaptureFixture[bytes], form: str, empty: str
) -> None:
    options = ("counter", f"--format={form}", f"--store={path}")
    main((*options, f"--start={START - 20}", f"--end={START - 10}"))
    out, err = capsysbinary.readouterr()
    assert out.decode() == empty
    assert re.fullmatch(r"zibrato export: nothing in .* from 20\S+ to 20\S+\n", err.decode())
    main((*options, f"--start={START}"))
    out, err = capsysbinary.readouterr()
    assert len(out) > len(empty)
    assert err == b""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("nix",), "nothing in .* is called nix"),
        (("counter", "--start=soon"), "expected a time such as 2h"),
        (("counter", "--start=1e18"), "expected a time from 1970 to 2242, got '1e18'"),
        (("counter", "--start=-1"), "expected a time from 1970 to 2242"),
        (("counter", "--end=nan"), "expected a time from 1970 to 2242"),
        (("counter", "--end=9999-01-01"), "expected a time from 1970 to 2242"),
        (("counter", "--end=0001-01-01"), "expected a time"),
        (("counter", "--start=1h", "--end=2h"), "--start: expected a time before --end, got 20"),
        (("counter", "--resolution=0"), "--resolution: expected seconds from 1 up, got 0"),
        (("counter", f"--resolution={10**400}"), "--resolution: expected seconds"),
        (("counter", "--retention=raw"), "retention: expected"),
        (("counter", "--retention=raw:2d,30s:9d"), ".* has resolutions of 1, 60"),
        (("counter", "--store=/nix/da"), "there is no /nix/da"),
    ],
)
def test_what_is_wrong_is_one_line(path: Path, options: tuple[str, ...], message: str) -> None:
    with pytest.raises(SystemExit, match=f"^zibrato export: {message}"):
        main(("--store", str(path), *options))


NAME = "a\x1b]0;owned\x07\x9b2J\u202eé"


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.attack("escape sequences in names that are exported", before="the terminal obeyed")
def test_a_terminal_is_sent_no_escape_sequence_of_a_name(path: Path, form: str) -> None:
    connection = open_for_writing(path, BOUND)
    series = Series(GAUGE, NAME, "web\n1", (("t", "\x1b[31m"),))
    Writer(connection, parse_retention(RETENTION), BOUND).add([(series, START, Summary(1, 1.0))])
    connection.close()
    command = [sys.executable, "-m", "zibrato.store.export", NAME, "--start", str(START),
               "--format", form, "--store", str(path)]  # fmt: skip
    master, slave = pty.openpty()
    subprocess.run(command, stdout=slave, check=True)
    os.close(slave)
    shown = b""
    while b"p99" not in shown or not shown.endswith(b"\n"):
        shown += os.read(master, 4096)
    os.close(master)
    assert "é" in shown.decode()
    assert all(char.isprintable() or char in "\r\n" for char in shown.decode())
    assert b"1b]0;owned" in shown
    to_file = subprocess.run(command, capture_output=True, check=True).stdout
    assert (NAME if form == "csv" else json.dumps(NAME, ensure_ascii=False)) in to_file.decode()


@pytest.mark.attack("escape sequences in tags that are exported", before="the terminal obeyed")
def test_a_terminal_is_sent_no_escape_sequence_of_a_tag(
    path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    connection = open_for_writing(path, BOUND)
    series = Series(GAUGE, "depth", "web1", (("t", "\x1b[31m"),))
    Writer(connection, parse_retention(RETENTION), BOUND).add([(series, START, Summary(1, 1.0))])
    connection.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zibrato.store.export.sys.stdout.buffer.isatty", lambda: True, raising=False)
        main(("depth", f"--start={START}", "--format=openmetrics", f"--store={path}"))
    shown = capfdbinary.readouterr().out
    assert rb't="\x1b[31m"' in shown
    assert shown.endswith(b"# EOF\n")


def test_times_as_people_write_them() -> None:
    assert parsed_time("now", 100.0) == 100.0
    assert parsed_time("2m", 1000.0) == parsed_time("-2m", 1000.0) == 880.0
    assert parsed_time("1w", 10.0**9) == 10**9 - 604_800
    assert parsed_time("99y", 10.0**9) == parsed_time("9" * 99 + "y", 10.0**9) == 0.0
    assert parsed_time("1700000000.5", 0.0) == 1_700_000_000.5
    assert parsed_time("2023-11-14T22:13:20+00:00", 0.0) == 1_700_000_000


@pytest.mark.parametrize("module", ["zibrato.store.export", "zibrato.workers.librato"])
def test_it_needs_no_twisted(module: str, path: Path) -> None:
    program = (
        f"import sys; from {module} import main; sys.argv = ['zibrato', *sys.argv[1:]]; main();"
        "assert not {'twisted', 'zope.interface', 'klein'} & {*sys.modules}, sys.modules.keys()"
    )
    command = ["export"] if module == "zibrato.workers.librato" else []
    options = ("counter", "--start", str(START), "--store", str(path))
    made = subprocess.run(
        [sys.executable, "-c", program, *command, *options], capture_output=True, check=True
    )
    assert made.stdout.startswith(b"time,name")
