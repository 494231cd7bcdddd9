"""The embedded store: measurements in a SQLite file, a Librato API over them, and a page."""
