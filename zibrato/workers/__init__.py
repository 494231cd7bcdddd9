"""The historical entry, `python -m zibrato.workers.librato`."""
