"""What hangs ends the run, and what only takes long doesn't."""

from __future__ import annotations

import pytest

from tests.hanging import LIMIT, check_limit


def test_a_test_of_whole_length_is_not_taken_to_hang() -> None:
    """As it was on a busy machine, where thirty restarts of a daemon took over five minutes."""
    with pytest.raises(ValueError, match=r"^ZIBRATO_SOAK=1: a test may take over 300 seconds; add"):
        check_limit(300.0, share=1)
    check_limit(300.0, share=0.04)
    check_limit(LIMIT, share=1)
    check_limit(0.0, share=1)
