"""The backend `zibrato`, which ships to another daemon: a hub."""
