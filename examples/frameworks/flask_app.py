"""A Flask application that counts and times its requests.

gunicorn --chdir examples/frameworks flask_app:app
"""

from __future__ import annotations

from collections.abc import Iterator

from flask import Flask

from zibrato.integrations.wsgi import Measured

app = Flask(__name__)
app.wsgi_app = Measured(app.wsgi_app)  # type: ignore[method-assign]  # as Flask would have it


@app.get("/items/<int:number>")
def item(number: int) -> str:
    """Show an item."""
    return f"item {number}\n"


@app.get("/report")
def report() -> Iterator[str]:
    """Stream a report as it is made."""
    return (f"line {number}\n" * 100 for number in range(1000))


@app.get("/broken")
def broken() -> str:
    """Fail."""
    raise LookupError("this page is broken")
