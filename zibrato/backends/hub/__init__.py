"""The backend `zibrato`, which ships to another daemon, the hub."""
