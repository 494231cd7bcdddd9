"""What a daemon tells systemd while it runs; on a Clock."""

from __future__ import annotations

from tests.daemon.daemons import DaemonCase
from zibrato.daemon import service, systemd


class ServiceSystemdTests(DaemonCase):
    def test_systemd_is_told_that_it_lives_while_its_intakes_work(self) -> None:
        told: list[str] = []

        def statuses() -> list[str]:
            return [state for state in told if state.startswith("STATUS=")]

        self.patch(systemd, "notify", lambda _environment, state: told.append(state))
        self.patch(service, "notify", lambda _environment, state: told.append(state))
        self.make(environment={"WATCHDOG_USEC": "10000000", "NOTIFY_SOCKET": "/there"})
        self.pass_time(11)
        assert told.count("WATCHDOG=1") == 3
        assert statuses()[-1].startswith("STATUS=0.0 measurements/s, ")
        self.intakes[0].wrong = "deaf"
        self.pass_time(10)
        assert told.count("WATCHDOG=1") == 3
        assert statuses()[-1].startswith("STATUS=deaf; ")
        self.assertEqual(self.daemon.health.report().status, "critical")
        self.stop()  # which takes as long as it takes: it isn't to be killed
        assert "STOPPING=1" in told
        assert told.count("WATCHDOG=1") >= 3
