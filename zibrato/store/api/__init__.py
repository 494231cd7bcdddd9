"""The server side of the Librato API; private. This package knows no SQL."""
