"""Records metrics of Python functions, and sends them to a local daemon over ZeroMQ."""

from zibrato.client import Zibrato

__all__ = ["Zibrato"]
__version__ = "1.0.0.dev0"
