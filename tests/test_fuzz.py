"""What was once found by `make fuzz`, and what parsers are to know: each input at each run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz import CORPUS, PARSERS, Parser, failing, keep

INPUTS = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: str(path.relative_to(CORPUS)))
def test_no_parser_fails_on_what_is_in_the_corpus(path: Path) -> None:
    PARSERS[path.parent.name].check(path.read_bytes())


def test_every_parser_has_inputs() -> None:
    assert {path.parent.name for path in INPUTS} == {*PARSERS}


def test_a_fault_is_found_made_small_and_kept(tmp_path: Path) -> None:
    def parse(data: bytes) -> None:
        if b"needle" in data:
            raise LookupError

    faulty = Parser(parse, (ValueError,), [b"hay", b"needle"])
    failure = failing(faulty, 60)
    assert failure is not None
    data, error = failure
    assert data == b"needle"
    assert isinstance(error, LookupError)
    assert keep("faulty", data, tmp_path).read_bytes() == b"needle"
    assert failing(faulty._replace(raises=(LookupError,)), 0.01) is None
