"""Signals: the daemon's while it runs, the host's before and after, and its own handlers always."""

from __future__ import annotations

import os
import signal
import threading

from twisted.trial.unittest import SynchronousTestCase

from tests.fake_reactor import FakeReactor
from zibrato.daemon.signals import Signals


class SignalsTests(SynchronousTestCase):
    """SIGHUP, sent to the tests' own process."""

    def setUp(self) -> None:
        self.before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self.addCleanup(signal.signal, signal.SIGHUP, self.before)
        self.reactor = FakeReactor()
        self.acted: list[str] = []
        self.signals = Signals(self.reactor, {signal.SIGHUP: lambda: self.acted.append("HUP")})

    def test_an_action_runs_in_the_reactors_turn(self) -> None:
        self.signals.startService()
        os.kill(os.getpid(), signal.SIGHUP)
        self.assertEqual(self.acted, [])
        self.reactor.run_calls()
        self.assertEqual(self.acted, ["HUP"])

    def test_one_can_be_taken_before_the_start_and_for_good(self) -> None:
        self.assertTrue(self.signals.take(signal.SIGHUP))
        os.kill(os.getpid(), signal.SIGHUP)
        self.signals.startService()
        self.reactor.run_calls()
        self.assertEqual(self.acted, ["HUP"])
        self.signals.stopService()
        self.assertEqual(signal.getsignal(signal.SIGHUP), self.signals._handle)

    def test_a_stop_leaves_the_signal_as_it_was(self) -> None:
        self.signals.startService()
        self.signals.stopService()
        self.assertIs(signal.getsignal(signal.SIGHUP), signal.SIG_DFL)

    def test_what_somebody_took_since_stays(self) -> None:
        self.signals.startService()
        signal.signal(signal.SIGHUP, handler := lambda *_: None)
        self.signals.stopService()
        self.assertIs(signal.getsignal(signal.SIGHUP), handler)

    def test_what_the_host_does_with_a_signal_stays(self) -> None:
        for handler in (signal.SIG_IGN, lambda *_: None):
            signal.signal(signal.SIGHUP, handler)
            self.signals.startService()
            self.assertIs(signal.getsignal(signal.SIGHUP), handler)
            self.signals.stopService()
            self.assertIs(signal.getsignal(signal.SIGHUP), handler)

    def test_one_that_is_wanted_is_taken_though_nohup_had_it_ignored(self) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        signals = Signals(
            self.reactor,
            {signal.SIGHUP: lambda: self.acted.append("HUP")},
            wanted={signal.SIGHUP},
        )
        signals.startService()
        os.kill(os.getpid(), signal.SIGHUP)
        self.reactor.run_calls()
        self.assertEqual(self.acted, ["HUP"])
        signals.stopService()
        self.assertIs(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)

    def test_a_handler_of_the_hosts_stays_even_where_the_signal_is_wanted(self) -> None:
        signal.signal(signal.SIGHUP, handler := lambda *_: None)
        signals = Signals(self.reactor, {signal.SIGHUP: self.fail}, wanted={signal.SIGHUP})
        signals.startService()
        self.assertIs(signal.getsignal(signal.SIGHUP), handler)

    def test_a_handler_of_twisteds_is_there_early_and_stays(self) -> None:
        self.addCleanup(signal.signal, signal.SIGINT, signal.getsignal(signal.SIGINT))
        self.signals.early = {signal.SIGINT: lambda *_: self.acted.append("INT")}
        for mine in (signal.default_int_handler, handler := lambda *_: self.acted.append("mine")):
            signal.signal(signal.SIGINT, mine)
            self.signals.startService()
            os.kill(os.getpid(), signal.SIGINT)
            self.signals.stopService()
            if mine is not handler:
                self.assertIs(signal.getsignal(signal.SIGINT), self.signals.early[signal.SIGINT])
        self.assertEqual(self.acted, ["INT", "mine"])

    def test_another_thread_takes_none(self) -> None:
        thread = threading.Thread(target=self.signals.startService)
        thread.start()
        thread.join()
        self.assertIs(signal.getsignal(signal.SIGHUP), signal.SIG_DFL)
