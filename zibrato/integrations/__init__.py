"""Ready-made instruments for what others have made: web frameworks, task queues, logging.

Each module imports what it instruments only when it is used, so none of that has to be installed.
`zibrato.integrations.requests`, which the web frameworks' modules share, is private.
"""
