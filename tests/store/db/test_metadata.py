"""Metrics' metadata: what changes it, and how metrics are found."""

from __future__ import annotations

import pytest

from tests.store.db.store_file import File
from zibrato.model import GAUGE
from zibrato.store.db import metadata
from zibrato.store.db.errors import InvalidValueError, NotFoundError
from zibrato.store.db.losses import DROPPED, Losses
from zibrato.store.db.metadata import COMPOSITE, Metric


def metric(file: File, name: str = "m") -> Metric:
    return metadata.metric(file.reader, name)


def add(file: File, *names: str) -> None:
    metadata.put_many(file.writer, names, {"type": GAUGE})


def test_a_metric_is_made_only_with_a_type(file: File) -> None:
    with pytest.raises(NotFoundError):
        metadata.put(file.writer, "m", {"description": "d"})
    made = metadata.put(file.writer, "m", {"type": COMPOSITE, "composite": 's("a", "*")'})
    assert metric(file, "M") == made == Metric("m", COMPOSITE, composite='s("a", "*")')


def test_what_is_put_replaces_and_attributes_are_added(file: File) -> None:
    metadata.put(file.writer, "m", {"type": GAUGE, "period": 5, "attributes": {"a": 1, "b": 1}})
    metadata.put(file.writer, "m", {"period": None, "description": "d", "attributes": {"b": 2}})
    assert metric(file) == Metric("m", description="d", attributes={"a": 1, "b": 2})
    metadata.put(file.writer, "m", {"description": None})
    assert metric(file) == Metric("m", attributes={"a": 1, "b": 2})


def test_a_type_stays(file: File) -> None:
    metadata.put(file.writer, "m", {"type": GAUGE})
    metadata.put(file.writer, "M", {"type": GAUGE})
    with pytest.raises(InvalidValueError, match="is gauge already") as caught:
        metadata.put(file.writer, "m", {"type": COMPOSITE})
    assert caught.value.param == "type"


def test_only_a_composite_shows_one() -> None:
    assert "composite" not in Metric("m").content()
    assert Metric("m", COMPOSITE).content()["composite"] is None


def test_metrics_come_by_lower_case_name_however_many(file: File) -> None:
    add(file, *(f"M.{number}" for number in range(2500)))
    names = [f"m.{number}" for number in range(0, 2600, 2)]
    described = metadata.metrics(file.reader, names)
    assert {*described} == {f"m.{number}" for number in range(0, 2500, 2)}
    assert described["m.2498"].name == "M.2498"


def test_a_page_is_sorted_and_what_is_special_to_sql_is_not_to_a_search(file: File) -> None:
    add(file, "b", "a.1", "A_1", "a%1", "a\\1")
    store = file.reader
    assert metadata.page(store, "A", 1, 2)[:2] == (5, 4)
    names = [metric.name for metric in metadata.page(store, "a", 0, 9)[2]]
    assert names == sorted(names, key=str.lower)
    backwards = metadata.page(store, "a", 0, 9, descending=True)[2]
    assert [metric.name for metric in backwards] == names[::-1]
    for search, name in (("_", "A_1"), ("%", "a%1"), ("\\", "a\\1")):
        assert [metric.name for metric in metadata.page(store, search, 0, 9)[2]] == [name]


def test_patterns_match_with_stars_alone(file: File) -> None:
    add(file, "web.cpu", "web.mem", "db.cpu", "web_x")
    store = file.reader
    assert metadata.matching(store, ["WEB.*"]) == ["web.cpu", "web.mem"]
    assert metadata.matching(store, ["*.cpu", "web.cpu"]) == ["db.cpu", "web.cpu"]
    assert metadata.matching(store, ["web_x", "web_cpu"]) == ["web_x"]
    assert metadata.matching(store, ["web*"], ["WEB.c*", "web_x", "nix"]) == ["web.mem"]


@pytest.mark.parametrize("text", ["", "{", "[]", "3", r'{"a": "\ud800"}', b"\xff", 5])
def test_corrupt_attributes_are_left_out_alone(file: File, text: object) -> None:
    add(file, "m", "n")
    file.writer.connection.execute(
        "UPDATE metric SET attributes = ?, period = 7 WHERE name = 'm'", (text,)
    )
    counted: list[tuple[str, int, str, str]] = []
    file.reader.losses = Losses(lambda *loss: counted.append(loss))
    for _ in range(2):
        *_, page = metadata.page(file.reader, "", 0, 9)
        assert page == [Metric("m", period=7), Metric("n")]
    assert counted == [(DROPPED, 1, "reason", "corrupt")]
    assert metadata.put(file.writer, "m", {"attributes": {"a": 1}}).attributes == {"a": 1}


def test_a_unit_is_noted_where_none_is_known(file: File) -> None:
    metadata.put(file.writer, "Said", {"type": GAUGE, "attributes": {"display_units_long": "jobs"}})
    metadata.put(file.writer, "Known", {"type": GAUGE, "attributes": {"color": "#fff"}})
    noted = metadata.add_units(file.writer, {"said": "B", "known": "B", "new": "ms"})
    assert [(metric.name, metric.attributes) for metric in noted] == [
        ("Known", {"color": "#fff", "display_units_short": "B"}),
        ("new", {"display_units_short": "ms"}),
    ]
    assert metadata.metric(file.reader, "new") == noted[1]
    assert metadata.metric(file.reader, "said").attributes == {"display_units_long": "jobs"}
    assert metadata.add_units(file.writer, {"new": "s"}) == []
