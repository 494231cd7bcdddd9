"""Why a journal's file can't be written, as long as it can't."""

from __future__ import annotations

from unittest.mock import patch

from tests.daemon.outbox.journals import JournalCase
from zibrato.daemon.outbox.disk import OutboxDisk


class JournalProblemTests(JournalCase):
    def test_the_problem_is_known_until_the_file_can_be_written_again(self) -> None:
        running = self.running
        full = OSError(28, "No space left on device")
        with patch.object(OutboxDisk, "commit", side_effect=full):
            running.count()
            running.flush()
            self.assertIn("No space left on device", running.journal.problem or "")
            running.journal.tick()
            self.assertIsNotNone(running.journal.problem)
        running.journal.tick()
        self.assertIsNone(running.journal.problem)
