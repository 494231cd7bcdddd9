"""Slow down guessing: after a few wrong credentials, an address has to wait longer each time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from secrets import token_bytes
from time import monotonic
from typing import NamedTuple

AT_ONCE = 5
"""How many different wrong credentials an address may send before it has to wait."""
MAX_WAIT = 60.0
FORGET = 3600.0
"""Both in seconds. `FORGET` counts from the last wrong credentials of an address."""
MAX_ADDRESSES = 10_000
_MAX_KNOWN = 16


class _Record(NamedTuple):
    """Wrong credentials of an address: how many, when the last, digests of the newest."""

    guesses: int = 0
    last: float = float("-inf")
    known: tuple[bytes, ...] = ()

    def next_try(self) -> float:
        """Return when the address may try other credentials."""
        if self.guesses < AT_ONCE:
            return self.last
        # Without a limit, the power would raise OverflowError after about a thousand guesses.
        return self.last + min(MAX_WAIT, 2.0 ** min(self.guesses - AT_ONCE, 99))


class Attempts:
    """Tells how long an address has to wait after wrong credentials; other addresses don't wait.

    Repeating the same wrong credentials is no guess: a program with an outdated password makes
    nobody else at its address wait. `clock` returns seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._key = token_bytes(16)
        self._records: OrderedDict[bytes | None, _Record] = OrderedDict()

    def __len__(self) -> int:
        """Return the number of addresses in memory."""
        return len(self._records)

    def wait(self, host: str | None, credentials: bytes) -> float:
        """Return for how many seconds these credentials may not be checked; 0 if they may."""
        record = self._record(host)
        if self._digest(credentials) in record.known:
            return 0.0
        return max(0.0, record.next_try() - self._clock())

    def wrong(self, host: str | None, credentials: bytes) -> None:
        """Note wrong credentials from an address; the address None is a Unix socket."""
        record, digest = self._record(host), self._digest(credentials)
        if digest in record.known:
            return
        known = (*record.known, digest)[-_MAX_KNOWN:]
        self._records.pop(_network(host), None)
        self._records[_network(host)] = _Record(record.guesses + 1, self._clock(), known)
        if len(self._records) > MAX_ADDRESSES:
            self._records.popitem(last=False)

    def _record(self, host: str | None) -> _Record:
        record = self._records.get(_network(host), _Record())
        return record if self._clock() < record.last + FORGET else _Record()

    def _digest(self, credentials: bytes) -> bytes:
        """Return a digest that tells credentials apart, and reveals nothing about them."""
        return blake2b(credentials, key=self._key, digest_size=16).digest()


def _network(host: str | None) -> bytes | None:
    """Return what belongs to one client: an IPv4 address, or the /64 network of an IPv6 address."""
    if host is None:
        return None
    address = ip_address(host)
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return mapped.packed if mapped else address.packed[:8]
    return address.packed
