"""The embedded store, private: a SQLite file, a Librato API and a web page."""
