"""Read the batches that clients send."""

from __future__ import annotations

from zibrato.wire import Batch, decode_batch


def batch_of(frame: bytes) -> Batch:
    """Return the batch in a frame, which must be valid."""
    batch = decode_batch(frame)
    assert isinstance(batch, Batch), batch
    return batch
