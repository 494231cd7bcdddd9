"""The client for Twisted applications, and other code that runs in a reactor.

Everything that `__all__` doesn't name is private.
"""

from zibrato.tx.client import TxZibrato

__all__ = ["TxZibrato"]
