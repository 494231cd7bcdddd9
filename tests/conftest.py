"""What all tests share: how hypothesis searches, and where it keeps what it found."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

from tests.structure import ROOT

# How long an example takes says nothing on a busy machine.
settings.register_profile("zibrato", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("zibrato")
set_hypothesis_home_dir(ROOT / ".make" / "hypothesis")
