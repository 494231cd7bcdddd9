"""Helpers for tests of applications: query what they measured, without a daemon.

With pytest, in conftest.py (or `-p zibrato.testing` on the command line):

    pytest_plugins = ["zibrato.testing.pytest_plugin"]

In a test, the fixture records all clients, those made at import and those made in the test:

    def test_render(zibrato_recorder):
        render("home")
        assert zibrato_recorder.counted("render_counter") == 1
        assert len(zibrato_recorder.timed("render_timer")) == 1

Without pytest, `with recording() as recorded:` does the same. `RecordingZibrato()` is a client to
pass to code that needs one. Everything that `__all__` doesn't name is private, except the name of
the plugin.
"""

from zibrato.testing.client import RecordingZibrato, recording
from zibrato.testing.recordings import Measurement, Recording

__all__ = ["Measurement", "Recording", "RecordingZibrato", "recording"]

pytest_plugins = ("zibrato.testing.pytest_plugin",)
"""The plugin that pytest loads if this module itself is given as a plugin."""
