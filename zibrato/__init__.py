"""Metrics for Python functions, sent to a local daemon over ZeroMQ."""

__version__ = "1.0.0.dev0"
