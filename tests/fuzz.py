"""Feed every parser with hypothesis's inputs, for a limited time: `make fuzz`.

    python -m tests.fuzz [SECONDS [PARSER ...]]

If a parser fails on an input, the input is minimized and written to tests/corpus/PARSER/, which
tests/test_fuzz.py reads in each run. Then correct the parser, and commit the file.
"""

from __future__ import annotations

import gzip
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import monotonic
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.python.usage import UsageError

from tests.intake.statsd_reading import read
from tests.part_rules import FRAME as PART
from tests.part_rules import check_part
from tests.structure import ROOT
from tests.wire_rules import FRAME, NOW, check_bytes
from zibrato.curve import client_keys
from zibrato.daemon.aggregation.text_lines import TextLines
from zibrato.daemon.options import Options
from zibrato.endpoint import Endpoint
from zibrato.inflation import inflate
from zibrato.intake.otlp import encoding
from zibrato.intake.otlp.conversion import convert
from zibrato.intake.otlp.streams import Streams
from zibrato.levels import LevelFilter
from zibrato.line_address import LineAddress
from zibrato.store.api import composite_query, requests, submissions, tag_search
from zibrato.store.api.responses import ApiError
from zibrato.store.db.tiers import parse_retention
from zibrato.store.export import parsed_time

CORPUS = ROOT / "tests/corpus"
SECONDS = 60.0
SLOW = 5.0
"""Seconds that no parser may take for such a small input, even on a busy machine."""
AT_ONCE = 300
MAX_LENGTH = 300
GZIP = gzip.compress(b"a" * 100, mtime=0)
OTLP = [
    b"\n", b"\x12", b"\x1a", b"*", b":", b"\x04", b"\x08", b"\x01m", b"1", b"\0\0\0\0\0\0\xf0\x7f",
    *b'{ } [ ] : , "resourceMetrics" "scopeMetrics" "metrics" "name" "sum" "gauge" "histogram" '
    b'"exponentialHistogram" "dataPoints" "asInt" "asDouble" "1e999" "bucketCounts" "count" '
    b'"scale" "explicitBounds" "aggregationTemporality" 2 -1'.split(),
]  # fmt: skip


class Parser(NamedTuple):
    """A function to call with bytes, what it may raise, and words that it knows."""

    parse: Callable[[bytes], object]
    raises: tuple[type[Exception], ...] = (ValueError,)
    words: Sequence[bytes] = ()

    def check(self, data: bytes) -> None:
        """Call the parser; raise what it must not raise, or AssertionError if it takes too long."""
        began = monotonic()
        with suppress(*self.raises):
            self.parse(data)
        assert monotonic() - began < SLOW, "it took too long"


def _of_text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: parse(data.decode(errors="surrogateescape"))


def _of_file(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    def parse_file(data: bytes) -> None:
        with NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            parse(file.name)

    return parse_file


def _lines(data: bytes) -> None:
    lines = TextLines()
    lines.split([data, data])
    lines.take(NOW)


def _options(file: str) -> None:
    Options({}).parseOptions(["--config", file])


def _posted(data: bytes) -> None:
    content = requests.from_json(data)
    for submitted in (submissions.legacy, submissions.tagged):
        with suppress(ApiError):
            submitted(content, NOW)


def _exported(data: bytes) -> None:
    streams = Streams(0)
    for kind in encoding.KINDS:
        with suppress(ValueError):
            convert(encoding.decode(kind, data), streams, NOW)


PARSERS = {
    "composite": Parser(
        _of_text(composite_query.parse),
        words=b's( series( "a" , ) ] [ { } : sum( map( group_by( timeshift( "1h" "*" &'.split(),
    ),
    "endpoint": Parser(
        _of_text(Endpoint.parse), words=b"tcp:// ipc:// connect: [ ] : * 0 65535 %eth0 ;".split()
    ),
    "form": Parser(requests.from_form, (ApiError,), b"gauges [ ] = & %5B %ed name 0 + ;".split()),
    "gzip": Parser(
        lambda data: inflate(data, 1000),
        (ValueError, OverflowError),
        [GZIP[:10], GZIP[10:-8], GZIP[-8:], GZIP],
    ),
    "json": Parser(
        _posted, (ApiError,), b'{ } [ ] "gauges" : , "name" "value" 1e999 "m" "tags" null'.split()
    ),
    "keys": Parser(
        _of_file(lambda file: client_keys((file, file))),
        words=[b'public-key = "', b'secret-key = "', b"0" * 40, b'"', b"\n"],
    ),
    "levels": Parser(
        _of_text(LevelFilter.parse), words=b"info error + , warning 20 custom".split()
    ),
    "line_address": Parser(
        _of_text(LineAddress.parse), words=b"udp: tcp: unix: unixgram: [ ] : ::1 8125 %lo".split()
    ),
    "lines": Parser(_lines, (), [*b"info counter timer hits | 1 nan 1e999 -".split(), b"\n"]),
    "options": Parser(
        _of_file(_options),
        (UsageError,),
        [*b"[zibrato] socket = levels backend : librato apikey store web % \xff ;".split(), b"\n"],
    ),
    "otlp": Parser(_exported, (), OTLP),
    "part": Parser(
        check_part,
        (),
        [PART[:12], PART[12:40], PART[40:90], PART[90:], b"\x99\x02", b"\xdd", b"\xcb\x7f\xf8"],
    ),
    "retention": Parser(_of_text(parse_retention), words=b"raw : 2d , 60s 1w 0 9".split()),
    "search": Parser(
        _of_text(tag_search.parse), (ValueError, ApiError), b"( ) and or not = a * ! \"".split()
    ),
    "statsd": Parser(
        lambda data: read(data, data),
        (),
        [*b"a : 1 | c ms g s @0.1 #x:y T1 _e{1,1}: _sc| d: [a=b] nan -".split(), b"\n"],
    ),
    "time": Parser(
        _of_text(lambda text: parsed_time(text, NOW)), words=b"now 2 h -01 T : 1e9".split()
    ),
    "wire": Parser(check_bytes, (), [FRAME[:13], FRAME[13:30], FRAME[30:], b"\x98\x01", b"\xdd"]),
}  # fmt: skip


def inputs(parser: Parser) -> st.SearchStrategy[bytes]:
    """Return random bytes, and bytes that are composed of the words that the parser knows."""
    piece = st.sampled_from([*parser.words]) | st.binary(max_size=3)
    return st.binary(max_size=MAX_LENGTH) | st.lists(piece, max_size=60).map(b"".join)


def failing(parser: Parser, seconds: float) -> tuple[bytes, Exception] | None:
    """Return the smallest input that the parser fails on, if one is found within that time."""
    data = b""

    @settings(
        max_examples=AT_ONCE, deadline=None, database=None, suppress_health_check=[*HealthCheck]
    )
    @given(inputs(parser))
    def attempt(given: bytes) -> None:
        nonlocal data
        data = given
        parser.check(given)

    end = monotonic() + seconds
    while monotonic() < end:
        try:
            attempt()
        except Exception as error:  # hypothesis tries the smallest one last
            return data, error
    return None


def keep(name: str, data: bytes, corpus: Path = CORPUS) -> Path:
    """Write an input to the corpus; return the file."""
    file = corpus / name / sha256(data).hexdigest()[:12]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def main(arguments: Sequence[str]) -> int:
    """Run the parsers, and return how many failed."""
    seconds = float(arguments[0]) if arguments else SECONDS
    names = arguments[1:] or [*PARSERS]
    failed = 0
    for name in names:
        failure = failing(PARSERS[name], seconds / len(names))
        if failure is None:
            print(f"{name}: nothing found", flush=True)
            continue
        failed += 1
        data, error = failure
        print(f"{name}: fails on {data!r}, kept in {keep(name, data)}", flush=True)
        traceback.print_exception(error)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
