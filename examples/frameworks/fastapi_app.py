"""A FastAPI application that counts and times its requests.

uvicorn --app-dir examples/frameworks fastapi_app:app
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from zibrato.integrations.asgi import Measured

app = FastAPI()
app.add_middleware(Measured)


@app.get("/items/{number}")
async def item(number: int) -> str:
    """Show an item."""
    return f"item {number}"


@app.get("/report", response_class=StreamingResponse)
async def report() -> StreamingResponse:
    """Stream a report as it is made."""

    async def lines() -> AsyncIterator[str]:
        for number in range(1000):
            yield f"line {number}\n" * 100

    return StreamingResponse(lines(), media_type="text/plain")


@app.get("/broken")
async def broken() -> str:
    """Fail."""
    raise LookupError("this page is broken")
