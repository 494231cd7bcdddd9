"""What runs in the application: instruments, buffers, and the thread that sends. No Twisted.

All that `__all__` doesn't name is private, its modules and what they hold: it may change at any
time. `zibrato.Zibrato` is the way in.
"""

from zibrato.client.zibrato import Zibrato

__all__ = ["Zibrato"]
