"""What the codec of snapshots doesn't show of the one beneath it: daemon/test_snapshot_codec.py."""

from __future__ import annotations

import pytest

from zibrato.summary_codec import encode


def test_it_knows_no_other_objects() -> None:
    with pytest.raises(NotImplementedError, match="not a part of a snapshot: object"):
        encode(object())
