"""What is said once, what is muted for how long, and that memory has a bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.fake_reactor import FakeReactor
from zibrato.backends import rejection_log
from zibrato.backends.librato.requests import Item
from zibrato.backends.rejection_log import MUTED, RejectionLog
from zibrato.model import COUNTER, Summary


def item(name: str, source: str = "here") -> Item:
    return Item(name, source, COUNTER, 1_700_000_000, Summary(1, 1.0))


class RejectionLogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = FakeReactor()
        self.rejections = RejectionLog("librato", self.clock)

    def logged(self, act: Callable[[], object]) -> list[str]:
        with capturedLogs() as events:
            act()
        return [str(formatEvent(event)) for event in events]

    def test_a_mute_is_for_a_name_and_source_and_a_while(self) -> None:
        bad, good = item("bad"), item("bad", "there")
        logs = self.logged(lambda: self.rejections.mute(bad, "400 no {braces}"))
        self.assertEqual(
            logs, ["librato rejects bad from here: 400 no {braces}; muted for 10 minutes"]
        )
        self.assertEqual(self.rejections.unmuted([item("BAD"), good]), [good])
        self.clock.advance(MUTED - 1)
        self.assertEqual(self.rejections.unmuted([bad, good]), [good])
        self.clock.advance(1)
        self.assertEqual(self.rejections.unmuted([bad, good]), [bad, good])

    def test_what_a_terminal_would_obey_is_escaped(self) -> None:
        logs = self.logged(lambda: self.rejections.mute(item("a\x1b[2J", "b\n"), "400"))
        logs += self.logged(lambda: self.rejections.rejected_all(["c\x9b", "d"], "400", 2))
        self.assertIn(r"rejects a\x1b[2J from b\n: 400", logs[0])
        self.assertTrue(logs[1].endswith(r"for example of c\x9b, d"))

    def test_logs_a_name_once(self) -> None:
        counts = Counter({"a b": 3, "c": 1})
        logs = self.logged(lambda: self.rejections.log_once("merged", counts))
        self.assertEqual(logs, ["librato: 'a b', 'c': merged (4 measurements)"])
        others = Counter({"a b": 3, "d": 0})
        logs = self.logged(lambda: self.rejections.log_once("merged", others))
        self.assertEqual(logs, ["librato: 'd': merged (0 measurements)"])
        self.assertEqual(self.logged(lambda: self.rejections.log_once("merged", others)), [])
        self.assertEqual(len(self.logged(lambda: self.rejections.log_once("dropped", others))), 1)
        self.assertEqual(self.logged(lambda: self.rejections.log_once("dropped", Counter())), [])

    def test_many_names_take_several_lines(self) -> None:
        counts = Counter({f"n{number}": 1 for number in range(50)})
        logs = [self.logged(lambda: self.rejections.log_once("merged", counts)) for _ in range(4)]
        self.assertEqual([len(lines) for lines in logs], [1, 1, 1, 0])
        text = "".join(lines[0] for lines in logs[:3])
        self.assertTrue(all(f"'n{number}'" in text for number in range(50)))

    def test_falls_silent_before_it_remembers_too_much(self) -> None:
        self.patch(rejection_log, "MAX_LOGGED", 2)
        for name, lines in (("a", 1), ("b", 1), ("c", 0)):
            log_it = partial(self.rejections.log_once, "dropped", Counter([name]))
            self.assertEqual(len(self.logged(log_it)), lines)

    def test_logs_whole_intervals_seldom(self) -> None:
        def reject() -> None:
            self.rejections.rejected_all(["a", "b"], "400 late", 12)

        self.assertEqual(
            self.logged(reject),
            [
                "librato rejects a whole interval: 400 late; 12 measurements are dropped, "
                "for example of a, b"
            ],
        )
        self.clock.advance(MUTED - 1)
        self.assertEqual(self.logged(reject), [])
        self.clock.advance(1)
        self.assertEqual(len(self.logged(reject)), 1)
