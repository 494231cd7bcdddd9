"""What runs in a reactor: the client for Twisted applications, and txZMQ's connections."""

from zibrato.tx.client import TxZibrato

__all__ = ["TxZibrato"]
