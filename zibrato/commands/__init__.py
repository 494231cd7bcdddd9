"""Private: the commands for who sets a daemon up, and how all commands read their arguments."""
