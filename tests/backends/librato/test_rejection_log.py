"""What is said once, what is muted for how long, and that memory has a bound."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from zibrato.backends.librato import rejection_log
from zibrato.backends.librato.rejection_log import MUTED, Complaints
from zibrato.backends.librato.requests import Item
from zibrato.model import COUNTER, Summary


def item(name: str, source: str = "here") -> Item:
    return Item(name, source, COUNTER, Summary(1, 1.0))


class ComplaintsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.complaints = Complaints("librato", self.clock)

    def logged(self, act: Callable[[], object]) -> list[str]:
        with capturedLogs() as events:
            act()
        return [str(formatEvent(event)) for event in events]

    def test_a_mute_is_for_a_name_and_source_and_a_while(self) -> None:
        bad, good = item("bad"), item("bad", "there")
        logs = self.logged(lambda: self.complaints.mute(bad, "400 no {braces}"))
        self.assertEqual(
            logs, ["librato refuses bad from here: 400 no {braces}; left out for 10 minutes"]
        )
        self.assertEqual(self.complaints.audible([item("BAD"), good]), [good])
        self.clock.advance(MUTED - 1)
        self.assertEqual(self.complaints.audible([bad, good]), [good])
        self.clock.advance(1)
        self.assertEqual(self.complaints.audible([bad, good]), [bad, good])

    def test_tells_of_a_name_once(self) -> None:
        counts = Counter({"a b": 3, "c": 1})
        logs = self.logged(lambda: self.complaints.tell("merged", counts))
        self.assertEqual(logs, ["librato: 'a b', 'c': merged (4 measurements)"])
        more = Counter({"a b": 3, "d": 0})
        logs = self.logged(lambda: self.complaints.tell("merged", more))
        self.assertEqual(logs, ["librato: 'd': merged (0 measurements)"])
        self.assertEqual(self.logged(lambda: self.complaints.tell("merged", more)), [])
        self.assertEqual(len(self.logged(lambda: self.complaints.tell("lost", more))), 1)
        self.assertEqual(self.logged(lambda: self.complaints.tell("lost", Counter())), [])

    def test_many_names_are_told_of_in_several_lines(self) -> None:
        counts = Counter({f"n{number}": 1 for number in range(50)})
        lines = [self.logged(lambda: self.complaints.tell("merged", counts)) for _ in range(4)]
        self.assertEqual([len(each) for each in lines], [1, 1, 1, 0])
        told = "".join(each[0] for each in lines[:3])
        self.assertTrue(all(f"'n{number}'" in told for number in range(50)))

    def test_falls_silent_before_it_remembers_too_much(self) -> None:
        self.patch(rejection_log, "MAX_TOLD", 2)
        for name, lines in (("a", 1), ("b", 1), ("c", 0)):
            logs = self.logged(lambda name=name: self.complaints.tell("lost", Counter([name])))  # type: ignore[misc]
            self.assertEqual(len(logs), lines)

    def test_tells_of_whole_intervals_seldom(self) -> None:
        def refuse() -> None:
            self.complaints.refused_all(["a", "b"], "400 late", 12)

        self.assertEqual(
            self.logged(refuse),
            ["librato refuses all of an interval: 400 late; 12 measurements are given up, of a, b"],
        )
        self.clock.advance(MUTED - 1)
        self.assertEqual(self.logged(refuse), [])
        self.clock.advance(1)
        self.assertEqual(len(self.logged(refuse)), 1)
