"""Single values of options: numbers as people write them, in bounds."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from zibrato.daemon import values

ODD = ["", "nan", "inf", "-inf", "-0", "0", "1_0", "٣", "0x10", "--", "1 0", "1e999", "1\n", "10s"]


@pytest.mark.parametrize("text", [*ODD, "-1", "1e-320", "0.09", "86401", "1e308"])
def test_what_no_seconds_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected seconds from 0.1 to 86,400, got "):
        values.seconds(text)


def test_what_seconds_are() -> None:
    texts = ("0.1", "86400", "1e1", "+5", " 10 ", ".5", "2.")
    assert [values.seconds(text) for text in texts] == [0.1, 86400, 10, 5, 10, 0.5, 2]


@pytest.mark.parametrize("text", [*ODD, " 5", "1e3", "2.0", "1000000001", "9" * 5000])
def test_what_no_count_is(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^expected a whole number from 1 to 1,000,000,000"
    ) as got:
        values.count(text)
    assert len(str(got.value)) < 500


def test_what_counts_are() -> None:
    assert [values.count(text) for text in ("1", "007", "1000000000")] == [1, 7, 10**9]


@pytest.mark.parametrize("text", [*ODD, "59", "2y", "1.5d", "1D", "9" * 5000])
def test_what_no_age_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a time from 1m to 1y such as 12h") as got:
        values.age(text)
    assert len(str(got.value)) < 500


def test_what_ages_are() -> None:
    texts = ("60", "90s", "1m", "12h", "7d", "2w", "1y")
    seconds = [60, 90, 60, 43_200, 604_800, 1_209_600, 31_536_000]
    assert [values.age(text) for text in texts] == seconds


@pytest.mark.parametrize("text", ["", "0", "66", "888", "00660", "7777", "٦٦٠", "000", "444", "rw"])
def test_what_no_permissions_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected permissions to write in octal such as 660"):
        values.mode(text)


def test_what_permissions_are() -> None:
    assert [values.mode(text) for text in ("660", "0606", "200")] == [0o660, 0o606, 0o200]


@pytest.mark.parametrize(
    "text", ["0", "0.99", "100.1", "nan", "1_0", "٣", "50,x", "-0", "x" * 9999]
)
def test_what_no_percentiles_are(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected numbers from 1 to 100 such as") as got:
        values.percentiles(text)
    assert len(str(got.value)) < 500


def test_what_percentiles_are() -> None:
    assert values.percentiles(" 50 ,99.9,,100") == (50, 99.9, 100)
    assert values.percentiles("") == values.percentiles(",") == ()


@pytest.mark.parametrize("text", ["  ", "x" * 256, "a\nb", "\x1b[31m", "a\0", "\udcff", "a\tb"])
def test_what_no_source_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a name of 1 to 255 characters that print"):
        values.source(text)


def test_what_sources_are() -> None:
    assert [values.source(text) for text in ("x" * 255, " my box ", "é")] == [
        "x" * 255, "my box", "é",
    ]  # fmt: skip


@pytest.mark.parametrize("check", [values.check_text])
def test_what_no_option_may_have(check: Callable[[str], None]) -> None:
    for text in ("secret\0", "\udcff", "a\nb", "\x7f", "\x9b2J"):
        with pytest.raises(ValueError, match=r"^expected UTF-8 without control characters") as got:
            check(text)
        assert "secret" not in str(got.value)
    for text in ("", "a\tb", "é ü", "/a b/c"):
        check(text)
