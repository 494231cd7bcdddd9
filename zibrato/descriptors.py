"""Private: limits of open descriptors, of which each connection and each file needs one."""

from __future__ import annotations

import resource

__all__ = ["connection_limit", "descriptor_limit", "raise_descriptor_limit"]

ENOUGH = 65_536
"""The highest limit to ask for: some child processes go through all possible descriptors."""
SHARES = 4
"""Shares of the descriptors: one each for connections of the page, of --otlp and of --statsd."""


def descriptor_limit() -> int:
    """Return how many descriptors this process may have open, at most `ENOUGH`."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _up_to_enough(soft)


def connection_limit(most: int) -> int:
    """Return how many connections a server may have open: at most `most`, and one share.

    One of the shares belongs to no server. It is for files and for ZeroMQ's connections, since
    ZeroMQ aborts the process if it gets no descriptor. Call this after raising the limit.
    """
    return min(most, descriptor_limit() // SHARES)


def raise_descriptor_limit() -> None:
    """Raise the soft limit to the hard one, up to `ENOUGH`, which needs no privileges.

    A soft limit that is already higher stays.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _up_to_enough(hard)
    if descriptor_limit() < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _up_to_enough(limit: int) -> int:
    return ENOUGH if limit == resource.RLIM_INFINITY else min(limit, ENOUGH)
