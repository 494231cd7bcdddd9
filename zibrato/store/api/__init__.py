"""The Librato API as a server. It knows no SQL."""
