"""For the tests of applications: what was measured, without a daemon.

With pytest, in conftest.py (or `-p zibrato.testing` on the command line):

    pytest_plugins = ["zibrato.testing.pytest_plugin"]

and in a test, whatever clients the application has made at import or makes now:

    def test_render(zibrato_recorder):
        render("home")
        assert zibrato_recorder.counted("render_counter") == 1
        assert len(zibrato_recorder.timed("render_timer")) == 1

Without pytest, `with recording() as recorded:` is the same. `RecordingZibrato()` is a client to
hand to code that takes one. All that `__all__` doesn't name is private, but the plugin's name.
"""

from zibrato.testing.client import RecordingZibrato, recording
from zibrato.testing.recordings import Measurement, Recording

__all__ = ["Measurement", "Recording", "RecordingZibrato", "recording"]

pytest_plugins = ("zibrato.testing.pytest_plugin",)
"""The plugin that pytest loads if this module itself is given as a plugin."""
