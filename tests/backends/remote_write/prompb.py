"""Remote write's messages as Google's protobuf reads them, from descriptors made here."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELDS = {
    "WriteRequest": [(1, "timeseries", "TimeSeries")],
    "TimeSeries": [
        (1, "labels", "Label"), (2, "samples", "Sample"), (4, "histograms", "Histogram"),
    ],
    "Label": [(1, "name", "string"), (2, "value", "string")],
    "Sample": [(1, "value", "double"), (2, "timestamp", "int64")],
    "BucketSpan": [(1, "offset", "sint32"), (2, "length", "uint32")],
    "Histogram": [
        (1, "count_int", "uint64"), (3, "sum", "double"), (4, "schema", "sint32"),
        (5, "zero_threshold", "double"), (6, "zero_count_int", "uint64"),
        (11, "positive_spans", "BucketSpan"), (12, "positive_deltas", "sint64*"),
        (15, "timestamp", "int64"),
    ],
}  # fmt: skip
"""Number, name and type of the fields that we write, as in prometheus/prompb; `*` is many."""


def _message(name: str) -> Any:
    field_type = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="prompb", package="p", syntax="proto3")
    for message, fields in FIELDS.items():
        made = file.message_type.add(name=message)
        for number, field, kind in fields:
            many = kind in FIELDS or kind.endswith("*")
            added = made.field.add(name=field, number=number, label=3 if many else 1)
            if kind in FIELDS:
                added.type, added.type_name = field_type.TYPE_MESSAGE, f".p.{kind}"
            else:
                added.type = getattr(field_type, f"TYPE_{kind.rstrip('*').upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"p.{name}"))


WriteRequest = _message("WriteRequest")


def series_of(body: bytes) -> dict[str, Any]:
    """Return the time series of a request by name, `name{le}` where there is one."""
    read = {}
    for one in WriteRequest.FromString(body).timeseries:
        labels = {label.name: label.value for label in one.labels}
        assert list(labels) == sorted(labels)
        bound = f"{{{labels['le']}}}" if "le" in labels else ""
        read[f"{labels['__name__']}{bound}"] = one
    return read
