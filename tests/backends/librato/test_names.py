"""Every text becomes a legal name, legal ones stay, and long ones stay distinct."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from zibrato.backends.librato.names import (
    percentile_name,
    sanitised,
    sanitised_source,
)
from zibrato.distribution import percentile_label

LEGAL = re.compile(r"[A-Za-z0-9.:\-_]{1,255}")
LEGAL_TEXT = st.from_regex(LEGAL, fullmatch=True)
LONG_TEXT = st.text("aB.-", min_size=230, max_size=300)
TOO_LONG_TEXT = st.text("aB.-", min_size=256, max_size=300)
ANY_TEXT = st.one_of(st.text(), LONG_TEXT, st.text("ab é/\n\x00", max_size=600))


class SanitisedTests(SynchronousTestCase):
    @given(ANY_TEXT, st.integers(20, 255))
    def test_always_legal(self, text: str, room: int) -> None:
        name = sanitised(text, room)
        self.assertTrue(LEGAL.fullmatch(name))
        self.assertLessEqual(len(name), room)
        self.assertTrue(LEGAL.fullmatch(sanitised_source(text)))
        self.assertNotEqual(sanitised_source(text).lower(), "all")

    @given(LEGAL_TEXT)
    def test_a_legal_name_stays(self, text: str) -> None:
        self.assertEqual(sanitised(text), text)

    @given(ANY_TEXT)
    def test_once_is_enough(self, text: str) -> None:
        self.assertEqual(sanitised(sanitised(text)), sanitised(text))
        source = sanitised_source(text)
        self.assertEqual(sanitised_source(source), source)

    @given(TOO_LONG_TEXT, TOO_LONG_TEXT)
    def test_long_names_are_the_same_only_where_their_letters_are(self, a: str, b: str) -> None:
        same = sanitised(a).lower() == sanitised(b).lower()
        self.assertEqual(same, a.lower() == b.lower())
        self.assertEqual(sanitised(a).lower(), sanitised(a.upper()).lower())

    def test_the_rule(self) -> None:
        for text, name in (
            ("render time (ms)", "render-time-ms-"),
            ("a/b//c", "a-b-c"),
            ("héllo", "h-llo"),
            ("日本", "-"),
            ("", "-"),
            ("a\n", "a-"),
            ("A.b:c-d_9", "A.b:c-d_9"),
            ("n" * 255, "n" * 255),
            ("n" * 256, "n" * 238 + "-342aaaf5a0fcb18c"),
        ):
            self.assertEqual(sanitised(text), name)

    def test_the_reserved_source(self) -> None:
        for text, source in (
            ("all", "all-"),
            ("ALL", "ALL-"),
            ("allo", "allo"),
            ("a l l", "a-l-l"),
        ):
            self.assertEqual(sanitised_source(text), source)


class PercentileTests(SynchronousTestCase):
    @given(LEGAL_TEXT, st.floats(0, 100, exclude_min=True))
    def test_names_are_legal_and_end_in_the_label(self, name: str, percent: float) -> None:
        result = percentile_name(name, percent)
        self.assertTrue(LEGAL.fullmatch(result))
        self.assertTrue(result.endswith(f".{percentile_label(percent)}"))

    def test_names(self) -> None:
        self.assertEqual(percentile_name("query", 99.9), "query.p99.9")
        self.assertNotEqual(
            percentile_name("n" * 254 + "a", 50), percentile_name("n" * 254 + "b", 50)
        )
