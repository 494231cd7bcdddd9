"""Writes measurements as CSV, JSON lines or OpenMetrics to standard output: `zibrato export NAME`.

It reads the store's file, and needs no daemon.
"""

from __future__ import annotations

import argparse
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

import msgspec

from zibrato.commands.command_line import CommandLine
from zibrato.files.sqlite_file import UnusableFileError
from zibrato.model import Series
from zibrato.printable import printable
from zibrato.store.csv_export import Record, as_csv, records
from zibrato.store.db.files import default_path
from zibrato.store.db.keys import MAX_START
from zibrato.store.db.losses import Losses
from zibrato.store.db.reader import Plot, Reader
from zibrato.store.db.schema import check_ours, check_steps, check_version, open_for_reading
from zibrato.store.db.tiers import RETENTION, parse_retention
from zibrato.unit_suffixes import SECONDS


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; an error is one line on stderr, and exit status 1."""
    try:
        options = _parser().parse_args(arguments)
        export(options, sys.stdout.buffer, time.time())
    except BrokenPipeError:  # the reader has closed the pipe
        # Python flushes stdout when it exits, and would report the broken pipe once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    except (LookupError, OSError, ValueError, sqlite3.Error, UnusableFileError) as error:
        raise SystemExit(f"zibrato export: {error}") from None


def export(options: argparse.Namespace, out: BinaryIO, now: float) -> None:
    """Write to `out` what `options` ask for, as of the Unix time `now`.

    On a terminal, control characters are escaped, since names come from elsewhere. If there is
    nothing in the range, a line on stderr says so, and the output is an empty one in its format.
    """
    start, end = parsed_time(options.start, now), parsed_time(options.end, now)
    if start > end:
        raise ValueError(f"--start: expected a time before --end, got {_range(start, end)}")
    if not 1 <= options.resolution <= MAX_START:
        raise ValueError(f"--resolution: expected seconds from 1 up, got {options.resolution}")
    path = Path(options.store)
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}; name the store's file with --store PATH")
    with closing(open_for_reading(path)) as connection:
        check_ours(connection, path)
        check_version(connection, path)
        tiers = parse_retention(options.retention)
        check_steps(connection, [tier.step for tier in tiers], path)
        reader = Reader(connection, tiers, Losses(log=_tell))
        series = reader.series(options.name)
        if not series:
            what = f"is called {options.name}" if options.name else "was measured"
            raise LookupError(f"nothing in {path} {what}")

        is_empty = True

        def plot_of(ids: Sequence[int]) -> Plot:
            nonlocal is_empty
            plot = reader.slots(ids, start, end, now, options.resolution)
            is_empty = is_empty and not any(plot.slots.values())
            return plot

        out.writelines(_lines(options.format, series, plot_of, is_terminal=out.isatty()))
    out.flush()
    if is_empty:
        _tell(f"nothing in {path} from {_range(start, end)}")


def _lines(
    form: str,
    series: Mapping[int, Series],
    plot_of: Callable[[Sequence[int]], Plot],
    *,
    is_terminal: bool,
) -> Iterator[bytes]:
    if form == "openmetrics":
        from zibrato.store.openmetrics import openmetrics  # noqa: PLC0415 - imports Twisted

        for line in openmetrics(series, plot_of):
            yield (f"{printable(line[:-1])}\n" if is_terminal else line).encode()
        return
    plot = plot_of([*series])
    rows: Iterable[Record] = sorted(records(plot, series), key=itemgetter("time"))
    if is_terminal:
        rows = printable_records(rows)
    if form == "csv":
        yield as_csv(rows)
    else:
        yield from (msgspec.json.encode(row) + b"\n" for row in rows)


def _range(start: float, end: float) -> str:
    """Return two Unix times as people read them, in local time."""
    times = (datetime.fromtimestamp(time).astimezone() for time in (start, end))
    return " to ".join(time.isoformat(timespec="seconds") for time in times)


def _tell(line: str) -> None:
    print(f"zibrato export: {line}", file=sys.stderr)


def printable_records(rows: Iterable[Record]) -> Iterator[Record]:
    """Generate the records, with what a terminal can't print escaped, such as `\\x1b`."""
    for row in rows:
        yield {
            field: printable(value) if isinstance(value, str) else value
            for field, value in row.items()
        }


def parsed_time(text: str, now: float) -> float:
    """Parse a time, relative to `now`: `2h` (ago), seconds since 1970, or an ISO 8601 date.

    Returns a Unix time. An age that reaches back beyond 1970 gives 1970. Raises ValueError.
    """
    if text == "now":
        return now
    if match := re.fullmatch(r"-?(\d{1,99})([smhdwy])", text):
        return max(0.0, now - int(match[1]) * SECONDS[match[2]])
    time = _unix_time(text)
    if not 0 <= time <= MAX_START:
        raise ValueError(f"expected a time from 1970 to 2242, got {text!r}")
    return time


def _unix_time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(
            f"expected a time such as 2h (ago), 1700000000 or 2026-11-23T10:00, got {text!r}"
        ) from None


def _parser() -> argparse.ArgumentParser:
    parser = CommandLine("export", __doc__)
    parser.add_argument("name", nargs="?", help="metric, in upper or lower case; default: all")
    parser.add_argument("--start", default="1d", help="2h (ago), Unix or ISO time; default: 1d")
    parser.add_argument("--end", default="now", help="time, as for --start; default: now")
    parser.add_argument("--resolution", type=int, default=1, help="seconds; default: the finest")
    parser.add_argument("--format", choices=("csv", "jsonl", "openmetrics"), default="csv")
    parser.add_argument("--store", default=str(default_path(os.environ)), help="the store's file")
    parser.add_argument("--retention", default=RETENTION, help="the store's setting of that name")
    return parser


if __name__ == "__main__":
    main()
