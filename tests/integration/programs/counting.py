"""Counts until it is terminated, then says how often, and whether all of it was acknowledged."""

from __future__ import annotations

import os
import signal
import time

from zibrato import Zibrato

FLUSH = 90.0


def main() -> None:
    """Count as fast as is of use, in bursts, with a client of the environment's."""
    ended: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    client = Zibrato(acknowledged=None, source=f"counting-{os.getpid()}")
    made = 0
    print("started", flush=True)
    while not ended:
        for _ in range(50):
            client.count(name="hits")
        made += 50
        client.timing(name="took", value=0.001)
        time.sleep(0.005)
    print(f"made {made} {client.flush(FLUSH)}", flush=True)
    client.close()
    print("dropped", dict(client.dropped), flush=True)


if __name__ == "__main__":
    main()
