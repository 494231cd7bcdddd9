"""The query parameters of requests, and the values of those that all lists have."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from twisted.web.iweb import IRequest

from zibrato.store.api.requests import Content, integer
from zibrato.store.api.responses import bad_parameter, bad_request

PAGE = 100
"""Librato's maximum and default of a page's length."""
_PAGE_PARAMETERS = {"name", "offset", "length", "sort", "orderby"}
Parameters = Mapping[str, list[str]]
"""The values of each parameter of a query."""


def parameters(request: IRequest) -> Parameters:
    """Return the parameters of a request's query; `[]` at the end of a name is ignored."""
    query = request.uri.partition(b"?")[2].decode("ascii", "replace")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=1000)
    except ValueError as error:
        raise bad_request(str(error)) from None
    params: dict[str, list[str]] = {}
    for name, value in pairs:
        params.setdefault(name.removesuffix("[]"), []).append(value)
    return params


def reject_unknown_parameters(params: Parameters, *names: Container[str]) -> None:
    """Raise ApiError for a parameter that is in none of `names`, and therefore isn't supported.

    If it were ignored, the response would be wrong.
    """
    for param in params:
        if not any(param in known for known in names):
            raise bad_parameter(param, "is not supported here")


def first_values(params: Parameters) -> dict[str, str]:
    """Return the first value of each parameter."""
    return {name: values[0] for name, values in params.items()}


class Page(NamedTuple):
    """Which part of a list is requested; the list is sorted by name, and names contain `search`."""

    search: str
    offset: int
    length: int
    descending: bool

    def content(self, what: str, total: int, found: int, shown: Sequence[object]) -> Content:
        """Return a response with a part of a list, the list's length, and how many were found."""
        query = {"found": found, "length": len(shown), "offset": self.offset, "total": total}
        return {"query": query, what: shown}


def paging(every: Parameters) -> Page:
    """Return which part of a list is requested; raises ApiError, also for other parameters."""
    reject_unknown_parameters(every, _PAGE_PARAMETERS)
    params = first_values(every)
    offset, length = integer(params, "offset") or 0, integer(params, "length") or PAGE
    sort = params.get("sort", "asc")
    if params.get("orderby", "name") != "name":
        raise bad_parameter("orderby", "is not name")
    if sort not in {"asc", "desc"}:
        raise bad_parameter("sort", "is neither asc nor desc")
    if offset < 0:
        raise bad_parameter("offset", "is below 0")
    if not 0 < length <= PAGE:
        raise bad_parameter("length", f"is not from 1 to {PAGE}")
    return Page(params.get("name", ""), offset, length, sort == "desc")


def wants_csv(params: Parameters) -> bool:
    """Return whether the request wants measurements as CSV; raises ApiError."""
    kind = first_values(params).get("format", "json")
    if kind not in {"json", "csv"}:
        raise bad_parameter("format", "is neither json nor csv")
    return kind == "csv"
