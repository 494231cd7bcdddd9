"""Private: the daemon's files, whoever writes them: locks, SQLite, secrets, what was taken once."""
