"""A misspelt setting is named, with what was expected."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from zibrato.backends.settings import check_names


class CheckNamesTests(SynchronousTestCase):
    def test_known_names_pass(self) -> None:
        check_names({}, "path")
        check_names({"path": "x", "mode": "y"}, "path", "mode")

    def test_others_are_refused(self) -> None:
        for allowed, message in (
            (("path", "mode"), "expected one of path, mode, got 'pth'; did you mean path?"),
            ((), "expected no settings, got 'pth'"),
        ):
            with self.assertRaises(ValueError) as caught:
                check_names({"pth": "x"}, *allowed)
            self.assertEqual(str(caught.exception), message)
