"""The historical way to start the daemon, in the foreground: the options of `twistd zibrato`.

    python …/zibrato/workers/librato.py --username USERNAME --apikey KEY

Also `python -m zibrato.workers.librato` and the command `zibrato`.
"""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:  # run as a file: its folder must not shadow other modules named librato
    sys.path[0] = str(Path(__file__).resolve().parents[2])


def main() -> None:
    """Run `twistd` in the foreground, without a pid file, with this command's arguments.

    With `export` as the first of them, write out what the store has instead.
    """
    if sys.argv[1:2] == ["export"]:
        from zibrato.store.export import main as export  # noqa: PLC0415 - the daemon needs it not

        return export(sys.argv[2:])
    from twisted.scripts.twistd import run  # noqa: PLC0415 - `export` needs no Twisted

    sys.argv = ["twistd", "--nodaemon", "--pidfile=", "zibrato", *sys.argv[1:]]
    run()


if __name__ == "__main__":
    main()
