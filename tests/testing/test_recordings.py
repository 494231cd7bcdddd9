"""zibrato.testing: applications learn what they measured, without a daemon."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from zibrato import Zibrato
from zibrato.client.sender import sender
from zibrato.testing import Measurement, RecordingZibrato, recording
from zibrato.tx.client import TxZibrato

pytest_plugins = ["pytester"]


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Zibrato]:
    """A client as an application has it, with no daemon there."""
    monkeypatch.delenv("ZIBRATO_DISABLED", raising=False)
    with Zibrato(f"ipc://{tmp_path}/nobody", linger=0) as client:
        yield client


def test_a_function_was_counted_and_timed() -> None:
    z = RecordingZibrato()

    @z.time_me(level="debug", name="render_timer")
    @z.count_me(name="render_counter")
    def render(page: str) -> str:
        return page.upper()

    assert z.counted("render_counter") == 0
    assert z.timed("render_timer") == []
    for page in ("a", "b"):
        render(page)
    assert z.counted("render_counter") == 2
    assert [0 < seconds < 1 for seconds in z.timed("render_timer")] == [True, True]
    render("c")
    assert z.counted("render_counter") == 3


def test_asynchronous_functions_and_blocks_too() -> None:
    z = RecordingZibrato()

    @z.count_me(name="fetched")
    async def fetch() -> None:
        async with z.time_me(name="slept"):
            await asyncio.sleep(0)

    asyncio.run(fetch())
    assert (z.counted("fetched"), len(z.timed("slept"))) == (1, 1)


def test_values_are_told_as_they_were_recorded() -> None:
    z = RecordingZibrato()
    z.count("rows", 4)
    z.count(name="rows", value=-1.5)
    z.timing("t", 0.25)
    z.timing("t", 0.75)
    z.gauge("g", 3)
    z.gauge("g", 1)
    assert z.counted("rows") == 2.5
    assert z.timed("t") == [0.25, 0.75]
    assert z.readings("g") == [3, 1]
    assert (z.counted("g"), z.timed("g"), z.readings("t")) == (0, [], [])


def test_questions_can_be_narrowed() -> None:
    z = RecordingZibrato(source="box", tags={"app": "shop"})
    z.count("c", 1, level="warn", tags={"status": "500", "route": "/"})
    z.count("c", 10, tags={"status": "200"})
    z.count("c", 100, source="other")
    assert z.counted("c") == 111
    assert z.counted("c", level="warning") == z.counted("c", level=30) == 1
    assert z.counted("c", source="other") == 100
    assert z.counted("c", source="box") == 11
    assert z.counted("c", tags={"status": "500"}) == 1
    assert z.counted("c", tags={"app": "shop"}) == 111
    assert z.counted("c", tags={"app": "shop", "status": "200"}, source="other") == 0
    with pytest.raises(ValueError, match="level: expected"):
        z.counted("c", level="no level")


def test_measurements_are_one_for_each_series() -> None:
    z = RecordingZibrato(source="box")
    z.timing("t", 0.5)
    z.count("c", 2, tags={"status": "500"})
    assert len(z.measurements) == 2
    z.timing("t", 0.25)
    z.count("c", 3, tags={"status": "500"})
    z.gauge("g", 7, level="debug", source="other")
    assert z.measurements == [
        Measurement("counter", "c", "info", "box", {"status": "500"}, 2, 5),
        Measurement("gauge", "g", "debug", "other", {}, 1, 7, (7,)),
        Measurement("timer", "t", "info", "box", {}, 2, 0.75, (0.5, 0.25)),
    ]
    assert repr(z) == ("<RecordingZibrato: counter c{status=500} x2, gauge g x1, timer t x2>")


def test_clear_forgets() -> None:
    z = RecordingZibrato()
    z.count("c")
    z.clear()
    assert z.measurements == []
    assert repr(z) == "<RecordingZibrato: nothing>"
    z.count("c", 5)
    assert z.counted("c") == 5


def test_what_was_dropped_is_told() -> None:
    z = RecordingZibrato()
    z.count("")
    z.gauge("g", "high")  # type: ignore[arg-type]
    z.gauge("g", 1)
    assert z.readings("g") == [1]
    assert z.dropped == {"argument": 1, "value": 1}


def test_a_level_holds_as_in_any_client() -> None:
    z = RecordingZibrato(level="warning")
    z.count("c", level="info")
    z.count("c", level="error")
    assert z.counted("c") == 1


def test_it_stands_in_for_a_client_and_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZIBRATO_DISABLED", "1")
    monkeypatch.setenv("ZIBRATO_LEVEL", "critical")
    monkeypatch.setenv("ZIBRATO_SOURCE", "elsewhere")
    connections, threads = len(sender.connections), threading.active_count()

    def application(z: Zibrato) -> None:
        with z:
            z.count("c")
        assert z.flush()

    z = RecordingZibrato()
    application(z)
    for name in dir(Zibrato):
        assert name.startswith("_") or hasattr(z, name)
    z.count("c")
    assert z.counted("c", source="") == 2
    assert (len(sender.connections), threading.active_count()) == (connections, threads)


def test_a_client_that_is_there_already_is_recorded(client: Zibrato) -> None:
    @client.count_me(name="c")
    def work() -> None: ...

    work()
    with recording(client) as recorded:
        assert recorded.counted("c") == 0
        work()
        work()
        assert recorded.counted("c") == 2
        client.flush()  # the sender gets nothing of it
        work()
    work()
    assert recorded.counted("c") == 3
    assert repr(recorded) == "<Recording: counter c x3>"


def test_every_client_is_recorded_also_one_made_within(client: Zibrato, tmp_path: Path) -> None:
    tx = TxZibrato(f"ipc://{tmp_path}/tx")
    with recording() as recorded:
        client.count("before")
        tx.count("tx")
        with Zibrato(f"ipc://{tmp_path}/other", linger=0) as other:
            other.count("within")
        other.count("closed")
        own = RecordingZibrato()
        own.count("own")
        names = [measurement.name for measurement in recorded.measurements]
        assert names == ["before", "closed", "own", "tx", "within"]
        assert own.counted("own") == 1


def test_one_client_is_recorded_without_the_others(client: Zibrato, tmp_path: Path) -> None:
    with (
        Zibrato(f"ipc://{tmp_path}/other", linger=0) as other,
        Zibrato(client._connection.connector.endpoint.address, linger=0) as shared,
        recording(client, shared) as recorded,
        recording(other) as others,
    ):
        client.count("c")
        shared.count("c", 10)
        other.count("c", 100)
    assert (recorded.counted("c"), others.counted("c")) == (11, 100)


def test_recordings_nest(client: Zibrato) -> None:
    with recording() as outer:
        client.count("c")
        with recording(client) as inner:
            client.count("c")
    assert (outer.counted("c"), inner.counted("c")) == (2, 1)


def test_a_recording_takes_what_other_threads_record(client: Zibrato) -> None:
    tick = client.count_me(name="c").count
    with recording() as recorded:

        def work() -> None:
            for _ in range(10_000):
                tick()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            assert recorded.counted("c") <= 40_000
        assert recorded.counted("c") == 40_000


def test_with_instruments_turned_off_there_is_nothing_to_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ZIBRATO_DISABLED", "1")
    with pytest.raises(RuntimeError, match="unset it to record"), recording():
        pass


APPLICATION = """
from zibrato import Zibrato
z = Zibrato("ipc:///nonexistent/socket", linger=0)

@z.time_me(name="render_timer")
@z.count_me(name="render_counter")
def render(page):
    return page
"""
TESTS = """
import application

def test_render(zibrato_recorder):
    application.render("home")
    assert zibrato_recorder.counted("render_counter") == 1
    assert len(zibrato_recorder.timed("render_timer")) == 1

def test_each_test_begins_with_nothing(zibrato_recorder):
    assert zibrato_recorder.measurements == []
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An application's own tests."""
    monkeypatch.delenv("ZIBRATO_DISABLED", raising=False)
    pytester.makepyfile(application=APPLICATION, test_application=TESTS)
    return pytester


def test_the_fixture_is_there_where_conftest_asks_for_it(suite: pytest.Pytester) -> None:
    suite.makeconftest('pytest_plugins = ["zibrato.testing.pytest_plugin"]')
    suite.runpytest_subprocess("-W", "error").assert_outcomes(passed=2)


@pytest.mark.parametrize("plugin", ["zibrato.testing", "zibrato.testing.pytest_plugin"])
def test_the_fixture_is_there_where_the_command_asks_for_it(
    suite: pytest.Pytester, plugin: str
) -> None:
    suite.runpytest_subprocess("-W", "error", "-p", plugin).assert_outcomes(passed=2)


def test_the_fixture_is_not_there_unasked(suite: pytest.Pytester) -> None:
    done = suite.runpytest_subprocess()
    done.assert_outcomes(errors=2)
    done.stdout.fnmatch_lines(["*fixture 'zibrato_recorder' not found*"])


def test_the_fixture_says_why_it_can_record_nothing(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZIBRATO_DISABLED", "1")
    done = suite.runpytest_subprocess("-p", "zibrato.testing")
    done.assert_outcomes(errors=2)
    done.stdout.fnmatch_lines(["*RuntimeError: ZIBRATO_DISABLED is set*"])


def test_a_failed_assertion_shows_what_was_recorded(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_application="""
        import application

        def test_wrong(zibrato_recorder):
            application.render("home")
            assert zibrato_recorder.counted("render_conuter") == 1
        """
    )
    done = suite.runpytest_subprocess("-p", "zibrato.testing")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*Recording: counter render_counter x1, timer render_timer x1*"])


def test_without_the_fixture_no_pytest_is_needed() -> None:
    program = (
        "import sys, zibrato.testing; print('pytest' in sys.modules, 'twisted' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    assert subprocess.check_output(command, text=True).strip() == "False False"
