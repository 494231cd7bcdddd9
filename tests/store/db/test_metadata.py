"""What is known of metrics, and what submissions change of it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.store.db.store_file import T0, File
from zibrato.model import COUNTER, GAUGE, Series, Summary
from zibrato.store.db import metadata
from zibrato.store.db.errors import InvalidValueError, NotFoundError
from zibrato.store.db.losses import DROPPED, Losses
from zibrato.store.db.metadata import COMPOSITE, MAX_ATTRIBUTES, Metric, MetricFields, Submission

READING = Summary(1, 2.0, 2.0, 2.0, 4.0, 2.0)
SUMMED: MetricFields = {"attributes": {"summarize_function": "sum"}}


def submission(
    name: str = "m", about: MetricFields | None = None, summary: Summary = READING,
    type: str = GAUGE,
) -> Submission:  # fmt: skip
    return Submission(type, name, "s", (("a", "x"),), T0, summary, about or {})


def submit(file: File, *submissions: Submission) -> Sequence[tuple[int, Series]]:
    return metadata.add_submissions(file.writer, submissions).series


def metric(file: File, name: str = "m") -> Metric:
    return metadata.metric(file.reader, name)


def test_what_a_submission_says_of_a_metric_fills_gaps_only(file: File) -> None:
    submit(file, submission(about={"description": "first", "attributes": {"a": 1, "b": 1}}))
    second: MetricFields = {
        "description": "second", "display_name": "M", "period": 60, "attributes": {"b": 2},
    }  # fmt: skip
    submit(file, submission("M", second))
    third: MetricFields = {"display_name": "other", "period": 10}
    submit(file, submission(about=third), submission(about=third))
    assert metric(file) == Metric(
        "m", GAUGE, "M", "first", 60, None, {"a": 1, "b": 2}
    )  # of attributes, the newest count


@pytest.mark.attack(
    "more and more attributes of one metric", before="1 MB more with each request, without an end"
)
def test_attributes_have_a_bound(file: File) -> None:
    half = {"a": "x" * (MAX_ATTRIBUTES // 2)}
    submit(file, submission(about={"attributes": half}))
    other = {f"b{number}": number for number in range(MAX_ATTRIBUTES // 16)}
    for add in (
        lambda: metadata.put(file.writer, "m", {"attributes": other, "period": 10}),
        lambda: submit(file, submission("new"), submission(about={"attributes": other})),
    ):
        with pytest.raises(InvalidValueError, match=r"of m would take \d+,\d+ bytes") as caught:
            add()
        assert caught.value.param == "attributes"
    assert metric(file) == Metric("m", attributes=half)
    assert [*metadata.metrics(file.reader, ["new"])] == []
    metadata.put(file.writer, "m", {"attributes": {"a": "less"}})
    metadata.put(file.writer, "m", {"attributes": other})


def test_attributes_of_before_there_was_a_bound_stay(
    file: File, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(file, submission(about={"attributes": {"a": "x" * 100}}))
    monkeypatch.setattr(metadata, "MAX_ATTRIBUTES", 50)
    submit(file, submission(about={"period": 60, "attributes": {"a": "x" * 100}}))
    assert metric(file).period == 60


def test_a_request_describes_a_metric_once(file: File) -> None:
    submit(file, submission(about={"period": 60}), submission(about={"period": 10}))
    assert metric(file).period == 60


def test_submissions_of_one_name_in_any_case_are_one_series(file: File) -> None:
    (one, two) = submit(file, submission("Name"), submission("nAME"))
    assert one == two == (1, Series(GAUGE, "Name", "s", (("a", "x"),)))
    assert file.reader.series("NAME") == {1: one[1]}


def test_what_is_to_be_summed_up_is_a_counter_unless_it_has_a_distribution(file: File) -> None:
    constant = Summary(2, 6.0, 3.0, 3.0, 18.0, 3.0)
    spread = Summary(2, 6.0, 1.0, 5.0, 26.0, 3.0)
    kept = submit(file, submission("a", SUMMED, constant), submission("b", SUMMED, spread),
                  submission("c", {}, constant))  # fmt: skip
    assert [series.kind for _, series in kept] == [COUNTER, GAUGE, GAUGE]
    ((_, later),) = submit(file, submission("a", {}, constant))
    assert later.kind == COUNTER


def test_a_counter_of_librato_is_a_reading(file: File) -> None:
    ((_, series),) = submit(file, submission("c", SUMMED, type=metadata.COUNTER_TYPE))
    assert (series.kind, metric(file, "c").type) == (GAUGE, "counter")


def test_a_name_of_another_type_fails_all_of_the_request(file: File) -> None:
    submit(file, submission("g"))
    with pytest.raises(InvalidValueError) as caught:
        submit(file, submission("new"), submission("G", type=metadata.COUNTER_TYPE),
               submission("NEW", type=metadata.COUNTER_TYPE), submission("new"))  # fmt: skip
    assert (caught.value.param, caught.value.messages) == (
        "type",
        ("'G' is a gauge, but was submitted as different type",
         "'NEW' is a gauge, but was submitted as different type"),
    )  # fmt: skip
    assert [*file.reader.series().values()] == [Series(GAUGE, "g", "s", (("a", "x"),))]


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
    submit(file, *(submission(f"M.{number}") for number in range(2500)))
    names = [f"m.{number}" for number in range(0, 2600, 2)]
    described = metadata.metrics(file.reader, names)
    assert {*described} == {f"m.{number}" for number in range(0, 2500, 2)}
    assert described["m.2498"].name == "M.2498"


def test_a_page_is_sorted_and_what_is_special_to_sql_is_not_to_a_search(file: File) -> None:
    submit(file, *map(submission, ("b", "a.1", "A_1", "a%1", "a\\1")))
    store = file.reader
    assert metadata.page(store, "A", 1, 2)[:2] == (5, 4)
    names = [metric.name for metric in metadata.page(store, "a", 0, 9)[2]]
    assert names == sorted(names, key=str.lower)
    backwards = metadata.page(store, "a", 0, 9, descending=True)[2]
    assert [metric.name for metric in backwards] == names[::-1]
    for search, name in (("_", "A_1"), ("%", "a%1"), ("\\", "a\\1")):
        assert [metric.name for metric in metadata.page(store, search, 0, 9)[2]] == [name]


def test_patterns_match_with_stars_alone(file: File) -> None:
    submit(file, *map(submission, ("web.cpu", "web.mem", "db.cpu", "web_x")))
    store = file.reader
    assert metadata.matching(store, ["WEB.*"]) == ["web.cpu", "web.mem"]
    assert metadata.matching(store, ["*.cpu", "web.cpu"]) == ["db.cpu", "web.cpu"]
    assert metadata.matching(store, ["web_x", "web_cpu"]) == ["web_x"]
    assert metadata.matching(store, ["web*"], ["WEB.c*", "web_x", "nix"]) == ["web.mem"]


@pytest.mark.parametrize("text", ["", "{", "[]", "3", r'{"a": "\ud800"}', b"\xff", 5])
def test_corrupt_attributes_are_left_out_alone(file: File, text: object) -> None:
    submit(file, submission("m"), submission("n"))
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
