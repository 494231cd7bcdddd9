"""Private: the commands that record, for shells, cron and CI; each has a client and no Twisted."""
