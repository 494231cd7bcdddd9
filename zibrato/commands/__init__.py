"""Private: the commands for people who set a daemon up, and how all commands parse arguments."""
