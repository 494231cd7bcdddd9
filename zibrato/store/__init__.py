"""The embedded store, private: a SQLite file, a Librato API over it, and a page."""
