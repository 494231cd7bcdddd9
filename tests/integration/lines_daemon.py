"""A daemon that takes in lines of statsd everywhere, and what it ships of them."""

from __future__ import annotations

import json
import socket
from collections import Counter
from pathlib import Path
from typing import Any

from tests.integration.processes import daemon
from zibrato.line_address import LineAddress

KINDS = ("udp", "tcp", "unix", "unixgram")


class LinesDaemon:
    """A daemon with an interval of 0.2 s, which writes all that it ships to a file."""

    def __init__(self, directory: Path) -> None:
        self._account = directory / "account.json"
        self.path = directory / "datagrams"
        files = (f"unix:{directory}/stream", f"unixgram:{self.path}")
        addresses = ("udp:0", "tcp:0", *files)
        self.process = daemon(
            *("--socket", f"ipc://{directory}/socket", "--flush-interval", "0.2"),
            *(f"--statsd={address}" for address in addresses),
            *("--backend", f"log:path={self._account}"),
            *("--backend", f"store:path={directory}/store.sqlite"),
            *("--web", "tcp:0:interface=127.0.0.1"),
        )
        self.addresses: dict[str, LineAddress] = {}
        for kind in KINDS:
            match = self.process.wait_for(rf"listening on ({kind}:\S+) for statsd")
            self.addresses[kind] = LineAddress.parse(match[1])

    @property
    def port(self) -> int:
        """The port of datagrams."""
        return self.addresses["udp"].port

    def send(self, kind: str, *lines: bytes) -> None:
        """Send each of the lines in a datagram of its own, or all over a connection."""
        address = self.addresses[kind]
        with socket.socket(address.family, address.kind) as client:
            client.connect(address.path or (address.host, address.port))
            if address.kind == socket.SOCK_STREAM:
                client.sendall(b"\n".join(lines))
            else:
                for line in lines:
                    client.send(line)

    def shipped(self) -> list[dict[str, Any]]:
        """Return all that was shipped so far."""
        if not self._account.exists():
            return []
        lines = self._account.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def summed(self, start: str, field: str) -> Counter[tuple[str, str, str]]:
        """Return a field of what was shipped of names that start so, by kind, name and tags."""
        sums: Counter[tuple[str, str, str]] = Counter()
        for record in self.shipped():
            if record["name"].startswith(start):
                tags = ",".join(f"{name}:{value}" for name, value in record["tags"].items())
                sums[record["kind"], record["name"], tags] += record[field]
        return sums

    def rejected(self) -> Counter[str]:
        """Return what it has rejected, by reason."""
        rejected = self.summed("zibrato.intake.rejected", "sum")
        return Counter(
            {tags.removeprefix("reason:"): count for (_, _, tags), count in rejected.items()}
        )
