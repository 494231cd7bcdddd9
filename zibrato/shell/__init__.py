"""Private: the commands that record, for shells, cron and CI: a client each, and no Twisted."""
