"""The address of a server that isn't a web server, from a setting HOST:PORT."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["ServerAddress"]

_ADDRESS = re.compile(r"(\[[0-9a-f:.]+\]|[^]\s/@?#:[,]+)(?::(\d{1,5}))?", re.I | re.A)
_MAX_PORT = 65_535


class ServerAddress(NamedTuple):
    """A host name or IP address, and a port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, default_port: int) -> ServerAddress:
        """Parse HOST or HOST:PORT; raises ValueError, one line for people."""
        match = _ADDRESS.fullmatch(text.strip())
        port = int((match and match[2]) or default_port)
        if not match or not 0 < port <= _MAX_PORT:
            raise ValueError(f"address: expected HOST or HOST:PORT, got {text!r}")
        return cls(match[1].strip("[]"), port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
