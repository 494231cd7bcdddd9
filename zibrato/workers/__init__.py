"""The historical entry, `python -m zibrato.workers.librato`; its functions are private."""
