"""The pytest fixture, in the test suite of an application."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

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
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # others' take most of the time
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
