"""Private: what all files of the daemon share: locks, SQLite, secrets, and detection of repeats."""
