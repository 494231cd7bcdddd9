"""Runs what yields now and then, without a reactor."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

T = TypeVar("T")


def run(work: Generator[None, None, T]) -> tuple[T, int]:
    """Return the result of some work, and how often it paused."""
    pauses = 0
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result, pauses
        pauses += 1
