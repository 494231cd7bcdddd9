"""Converts the texts of options to values; raises ValueError, with one line for people."""

from __future__ import annotations

import math
import re

from zibrato.model import MAX_NAME_LENGTH
from zibrato.unit_suffixes import SECONDS

MIN_SECONDS = 0.1
MAX_SECONDS = 86_400.0
MAX_COUNT = 1_000_000_000
MIN_AGE, MAX_AGE = 60, 365 * 86_400
_NUMBER = re.compile(r" *\+?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)? *", re.I)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff]")


def check_text(text: str) -> None:
    """Raise ValueError for a text that no option may have; the error doesn't quote the text."""
    if _UNPRINTABLE.search(text):
        raise ValueError("expected UTF-8 without control characters; write it again")


def seconds(text: str) -> float:
    """Return seconds from 0.1 to a day."""
    number = _number(text)
    if not MIN_SECONDS <= number <= MAX_SECONDS:
        raise ValueError(
            f"expected seconds from {MIN_SECONDS:g} to {MAX_SECONDS:,.0f}, got {text!r}; "
            "write 10 for ten seconds"
        )
    return number


def count(text: str) -> int:
    """Return a whole number from 1 to 1,000,000,000."""
    number = int(text) if re.fullmatch("[0-9]{1,10}", text) else 0
    if not 1 <= number <= MAX_COUNT:
        raise ValueError(
            f"expected a whole number from 1 to {MAX_COUNT:,}, got {_short(text)}; "
            "write 100000 for a hundred thousand"
        )
    return number


def age(text: str) -> int:
    """Return seconds from a minute to a year."""
    match = re.fullmatch("([0-9]{1,10})([smhdwy]?)", text)
    number = int(match[1]) * SECONDS[match[2] or "s"] if match else 0
    if not MIN_AGE <= number <= MAX_AGE:
        raise ValueError(f"expected a time from 1m to 1y such as 12h or 7d, got {_short(text)}")
    return number


def mode(text: str) -> int:
    """Return permissions; raises ValueError without write permission, as nobody could connect."""
    number = int(text, 8) if re.fullmatch("0?[0-7]{3}", text) else 0
    if not number & 0o222:
        raise ValueError(f"expected permissions to write in octal such as 660, got {text!r}")
    return number


def percentiles(text: str) -> tuple[float, ...]:
    """Return numbers from 1 to 100; the result may be empty.

    Below 1 are the quantiles of other tools: 0.99 is meant to be 99.
    """
    numbers = tuple(_number(item) for item in text.split(",") if item.strip())
    if not all(1 <= number <= 100 for number in numbers):
        raise ValueError(f"expected numbers from 1 to 100 such as 50,95,99, got {_short(text)}")
    return numbers


def source(text: str) -> str:
    """Return the source for measurements that name none."""
    stripped = text.strip()
    if not stripped or len(stripped) > MAX_NAME_LENGTH or not stripped.isprintable():
        raise ValueError(
            f"expected a name of 1 to {MAX_NAME_LENGTH} characters that print, got {_short(text)}; "
            "write the name of this host or of what runs on it"
        )
    return stripped


def _number(text: str) -> float:
    """Return a number as people write it, else NaN; `float` also accepts 1_0, ٣, inf and nan."""
    return float(text) if _NUMBER.fullmatch(text) else math.nan


def _short(text: str) -> str:
    return repr(text) if len(text) <= MAX_NAME_LENGTH else f"{len(text)} characters"
