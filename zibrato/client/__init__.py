"""What runs in the application: instruments, buffers, and the thread that sends. No Twisted."""

from zibrato.client.zibrato import Zibrato

__all__ = ["Zibrato"]
