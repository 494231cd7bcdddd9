"""Whatever bytes come: none raise, and only what is allowed comes through."""

from typing import Any

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.wire_rules import BATCHES, FRAME, check_bytes
from zibrato.wire import Batch, encode

AN_ARRAY_OF_ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=300)
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"")
@example(b"\n \r\n")
@example(b"\x80")
@example(b"\xc1")
@example(b"\xef\xbb\xbfinfo|counter|hits|1")
def test_arbitrary_bytes_never_raise(frame: bytes) -> None:
    check_bytes(frame)


@settings(deadline=None)
@given(st.binary(max_size=100), st.sampled_from([1, 2, 12, 13, 40]))
def test_arbitrary_ends_of_a_batch_never_raise(end: bytes, length: int) -> None:
    check_bytes(FRAME[:length] + end)


@settings(deadline=None)
@given(BATCHES, st.data())
def test_mutated_batches_come_through_only_where_they_are_allowed(
    batch: Batch, data: st.DataObject
) -> None:
    frame = bytearray(encode(batch))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(frame)))
        end = data.draw(st.integers(start, min(len(frame), start + 4)))
        frame[start:end] = data.draw(st.binary(max_size=4))
    check_bytes(bytes(frame))


@settings(deadline=None)
@given(st.data())
def test_batches_with_anything_in_any_place_come_through_only_where_they_are_allowed(
    data: st.DataObject,
) -> None:
    raw: Any = msgspec.msgpack.decode(FRAME)
    place = raw
    while True:
        index = data.draw(st.integers(0, len(place) - 1))
        if not (isinstance(place[index], list) and place[index] and data.draw(st.booleans())):
            break
        place = place[index]
    place[index : index + data.draw(st.integers(0, 1))] = [data.draw(AN_ARRAY_OF_ANY)]
    check_bytes(msgspec.msgpack.encode(raw))


@settings(deadline=None)
@given(st.text(max_size=100))
def test_arbitrary_text_never_raises(text: str) -> None:
    check_bytes(text.encode())
