"""What the tests of the web integrations share."""

from __future__ import annotations

from zibrato.testing import Recording


def statuses(recorded: Recording) -> list[str]:
    """Return the status class of each request, each of which was timed as well."""
    counted = [counter for counter in recorded.measurements if counter.name == "http.requests"]
    for counter in counted:
        times = recorded.timed("http.request_time", tags=counter.tags)
        assert len(times) == counter.count == counter.sum
    return [counter.tags["status"] for counter in counted for _ in range(counter.count)]


def routes(recorded: Recording) -> set[str]:
    """Return all routes of what was recorded of requests; a gauge of another test may be read."""
    requests = [one for one in recorded.measurements if one.name.startswith("http.")]
    return {one.tags["route"] for one in requests}


def exceptions(recorded: Recording) -> dict[tuple[str, str], float]:
    """Return how many exceptions were counted, by route and type; each at level `error`."""
    counted = [counter for counter in recorded.measurements if counter.name == "http.exceptions"]
    assert {counter.level for counter in counted} <= {"error"}
    return {(counter.tags["route"], counter.tags["exception"]): counter.sum for counter in counted}
