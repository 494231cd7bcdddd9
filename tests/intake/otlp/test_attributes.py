"""What becomes of attributes: a source, tags, or nothing."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.intake.otlp.messages import attributes, message
from zibrato.intake.otlp.attributes import Resource, hash_of, resource_of, texts


def resource(**values: str) -> Resource:
    request = message(resource=attributes(**values))
    return resource_of(request.resource_metrics[0].resource.attributes)


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ({}, None),
        ({"host_name": "box"}, "box"),
        ({"host_name": "box", "service_instance_id": "shop-1"}, "shop-1"),
        ({"host_name": "box", "service_instance_id": str(uuid4())}, "box"),
        ({"service_instance_id": str(uuid4())}, None),
        ({"service_instance_id": ""}, None),
    ],
)
def test_the_source_is_an_instance_that_somebody_named_or_a_host(
    given: dict[str, str], source: str | None
) -> None:
    assert resource(**given).source == source


def test_some_attributes_of_a_resource_are_tags_and_all_tell_it_apart() -> None:
    made = resource(service_name="shop", service_namespace="eu", process_pid="7")
    assert made.tags == {"service.name": "shop", "service.namespace": "eu"}
    assert made.identity != resource(service_name="shop", service_namespace="eu").identity


@pytest.mark.parametrize("name", ["unknown_service", "unknown_service:python"])
def test_a_service_that_nobody_named_is_no_tag(name: str) -> None:
    assert resource(service_name=name).tags == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"stringValue": "é"}, "é"),
        ({"intValue": "-7"}, "-7"),
        ({"doubleValue": 0.5}, "0.5"),
        ({"doubleValue": "NaN"}, "NaN"),
        ({"doubleValue": "-Infinity"}, "-Infinity"),
        ({"boolValue": False}, "false"),
        ({"bytesValue": "aGVsbG8="}, "aGVsbG8="),
        ({"arrayValue": {"values": [{}, {"doubleValue": "Infinity"}]}}, '[null,"Infinity"]'),
        ({"arrayValue": {"values": [{"intValue": 1}, {"stringValue": "a"}]}}, '[1,"a"]'),
        (
            {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}},
            '{"a":true}',
        ),
    ],
)
def test_a_tag_is_text(value: Any, text: str) -> None:
    request = message(resource=[{"key": "k", "value": value}])
    assert texts(request.resource_metrics[0].resource.attributes) == {"k": text}


def test_an_attribute_without_a_value_is_none() -> None:
    request = message(resource=[{"key": "a"}, {"key": "b", "value": {"stringValue": ""}}])
    assert texts(request.resource_metrics[0].resource.attributes) == {}


def test_streams_differ_in_all_that_identifies_them() -> None:
    assert hash_of(("a", "b"), "c") == hash_of(("a", "b"), "c")
    assert hash_of(("a", "b"), "c") != hash_of(("a",), "b", "c")
    assert len(hash_of("x" * 10_000)) == 16
