"""Private: what shows a running daemon in a terminal: `zibrato status` and `zibrato top`."""
