"""The historical way to start the daemon, in the foreground: the options of `twistd zibrato`.

    python …/zibrato/workers/librato.py --username USERNAME --apikey KEY

Also `python -m zibrato.workers.librato` and the command `zibrato`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

if not __package__:  # run as a file: its folder must not shadow other modules named librato
    sys.path[0] = str(Path(__file__).resolve().parents[2])

COMMANDS = {"backup": "zibrato.store.backup", "export": "zibrato.store.export"}
"""Modules with a function `main`, which takes the arguments behind the command."""


def main() -> None:
    """Run `twistd` in the foreground, without a pid file, with this command's arguments.

    With a command as the first of them, run that instead.
    """
    if sys.argv[1:2] and sys.argv[1] in COMMANDS:
        import_module(COMMANDS[sys.argv[1]]).main(sys.argv[2:])
        return
    from twisted.scripts.twistd import run  # noqa: PLC0415 - no command needs Twisted

    sys.argv = ["twistd", "--nodaemon", "--pidfile=", "zibrato", *sys.argv[1:]]
    run()


if __name__ == "__main__":
    main()
