"""The historical entry point, `python -m zibrato.workers.librato`; its functions are private."""
