"""A misspelt setting is named, with what was expected."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from zibrato.backends.settings import check_names, claim_path


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


class ClaimPathTests(SynchronousTestCase):
    def test_a_path_is_one_backends(self) -> None:
        files: set[Path] = set()
        for path in ("/a", "/b"):
            claim_path(Path(path), files)
        with self.assertRaisesRegex(
            ValueError, "another backend of this daemon, or its outbox, has /a"
        ):
            claim_path(Path("/a"), files)
