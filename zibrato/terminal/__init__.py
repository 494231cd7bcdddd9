"""Private: show a running daemon in a terminal, with `zibrato status` and `zibrato top`."""
