"""The Librato API as a server; private. It knows no SQL."""
