"""Private: how many descriptors the process may have open: each connection and file is one."""

from __future__ import annotations

import resource

ENOUGH = 65_536
"""No more are asked for: some programs that are started look at each that there might be."""


def descriptor_limit() -> int:
    """Return how many descriptors this process may have open, ENOUGH at most."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _up_to_enough(soft)


def raise_descriptor_limit() -> None:
    """Raise the soft limit to the hard one, which needs no rights; a higher one stays."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _up_to_enough(hard)
    if descriptor_limit() < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _up_to_enough(limit: int) -> int:
    return ENOUGH if limit == resource.RLIM_INFINITY else min(limit, ENOUGH)
