"""A server in memory that answers every request alike."""

from __future__ import annotations

from typing import Any

from twisted.web.resource import Resource

__all__ = ["Recorder"]


class Recorder(Resource):
    """Answers every request alike, and keeps them."""

    isLeaf = True

    def __init__(self, status: int = 200, body: bytes = b"") -> None:
        super().__init__()
        self.status = status
        self.body = body
        self.requests: list[tuple[Any, bytes]] = []

    def render(self, request: Any) -> bytes:
        self.requests.append((request, request.content.read()))
        request.setResponseCode(self.status)
        return self.body
