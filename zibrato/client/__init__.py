"""What runs in the application: instruments, buffers, and the thread that sends. No Twisted.

Everything that `__all__` doesn't name is private, including modules and their contents: it may
change at any time. `zibrato.Zibrato` is the way in.
"""

from zibrato.client.zibrato import Zibrato

__all__ = ["Zibrato"]
