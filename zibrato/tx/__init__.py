"""What runs in a reactor: the client for Twisted applications, and txZMQ's connections.

All that `__all__` doesn't name is private.
"""

from zibrato.tx.client import TxZibrato

__all__ = ["TxZibrato"]
