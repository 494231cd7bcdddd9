"""Ready-made instruments for other software: web frameworks, task queues, logging.

Each module imports what it instruments only when it is used, so nothing of it has to be installed.
`zibrato.integrations.requests`, which the modules for web frameworks share, is private.
"""
