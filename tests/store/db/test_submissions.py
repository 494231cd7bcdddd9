"""What submissions store, and what they change of their metrics' metadata."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.store.db.store_file import T0, File
from zibrato.model import COUNTER, GAUGE, Series, Summary
from zibrato.store.db import metadata, submissions
from zibrato.store.db.errors import InvalidValueError
from zibrato.store.db.metadata import MAX_ATTRIBUTES, Metric, MetricFields
from zibrato.store.db.submissions import Submission

READING = Summary(1, 2.0, 2.0, 2.0, 4.0, 2.0)
SUMMED: MetricFields = {"attributes": {"summarize_function": "sum"}}


def submission(
    name: str = "m", about: MetricFields | None = None, summary: Summary = READING,
    type: str = GAUGE,
) -> Submission:  # fmt: skip
    return Submission(type, name, "s", (("a", "x"),), T0, summary, about or {})


def submit(file: File, *submitted: Submission) -> Sequence[tuple[int, Series]]:
    return submissions.add(file.writer, submitted).series


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
