"""What requests say of metrics."""

from __future__ import annotations

from typing import Any

import pytest

from zibrato.store.api.descriptions import MAX_DEPTH, about, attributes, metric_fields
from zibrato.store.api.responses import ApiError


def nested(depth: int) -> Any:
    """Return objects within one another, so many."""
    return {"a": nested(depth - 1)} if depth else {}


def test_attributes_of_a_form_have_their_types() -> None:
    form = {"display_min": "0", "display_max": "", "display_stacked": "true", "color": "#f00"}
    typed = {"display_min": 0, "display_max": None, "display_stacked": True, "color": "#f00"}
    assert attributes({"attributes": form}) == typed
    assert metric_fields({"display_min": "1.5"})["attributes"] == {"display_min": 1.5}
    assert attributes({"attributes": []}) == {}
    assert attributes({"attributes": nested(MAX_DEPTH)}) == nested(MAX_DEPTH)


def test_a_measurement_that_says_nothing_says_nothing() -> None:
    assert about({"name": "a", "description": None}) == {}
    assert about({"period": 60})["period"] == 60


@pytest.mark.parametrize(
    ("content", "param"),
    [
        ({"attributes": {"summarize_function": "nonsense"}}, "summarize_function"),
        ({"attributes": {"display_min": "low"}}, "display_min"),
        ({"attributes": {"summarize_function": {}}}, "summarize_function"),
        ({"attributes": nested(MAX_DEPTH + 1)}, "attributes"),
        ({"color": nested(MAX_DEPTH)}, "attributes"),
        ({"period": 1e300}, "period"),
        ({"attributes": 3}, "attributes"),
        ({"type": "nix"}, "type"),
        ({"nix": 1}, "nix"),
    ],
)
def test_what_is_wrong_is_named(content: dict[str, Any], param: str) -> None:
    with pytest.raises(ApiError) as caught:
        metric_fields(content)
    errors: Any = caught.value.errors
    assert list(errors["params"]) == [param]
