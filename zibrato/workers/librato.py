"""Starts the daemon in the foreground, with the options of `twistd zibrato`; runs commands.

    python …/zibrato/workers/librato.py --username USERNAME --apikey KEY

This is the historical way. `python -m zibrato.workers.librato` and the command `zibrato` do the
same.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

if not __package__:  # run as a file: its folder must not shadow other modules named librato
    sys.path[0] = str(Path(__file__).resolve().parents[2])

COMMANDS = {
    "backup": "zibrato.store.backup",
    "check-config": "zibrato.commands.check_config",
    "export": "zibrato.store.export",
    "keygen": "zibrato.commands.keygen",
    "send": "zibrato.shell.send",
    "status": "zibrato.terminal.status",
    "time": "zibrato.shell.timed",
    "top": "zibrato.terminal.top",
}
"""The modules of the commands; each has a function `main` that takes the command's arguments."""
STARTS = {"daemon", "run", "serve", "start"}
"""What other daemons call the command that starts them."""


def main() -> None:
    """Run `twistd zibrato` in the foreground, without a pid file, with the arguments given.

    If the first argument is a command, run that instead.
    """
    command, *rest = sys.argv[1:] or [""]
    if command in COMMANDS:
        import_module(COMMANDS[command]).main(rest)
    elif command and not command.startswith("-"):
        from zibrato.suggestion import suggestion  # noqa: PLC0415 - only for a misspelt command

        meant = suggestion(command, COMMANDS) or "; see zibrato --help"
        if command in STARTS:
            meant = "; leave it out: without a command, zibrato starts the daemon"
        raise SystemExit(f"zibrato: expected options or a command, got {command!r}{meant}")
    elif "--help" in sys.argv[1:]:
        print(_help())
    else:
        from twisted.scripts.twistd import run  # noqa: PLC0415 - no command needs Twisted

        sys.argv = ["twistd", "--nodaemon", "--pidfile=", "zibrato", *sys.argv[1:]]
        run()


def _help() -> str:
    """Return the help: the daemon's options, and the commands that run instead of it."""
    from zibrato.daemon.options import Options  # noqa: PLC0415 - no command needs Twisted

    options = Options()
    options.synopsis = "Usage: zibrato [options]\n       zibrato COMMAND --help"
    lines = {name: str(import_module(path).__doc__) for name, path in COMMANDS.items()}
    commands = [f"  {name:13}{doc.splitlines()[0].replace('`', '')}" for name, doc in lines.items()]
    return "\n".join([str(options).rstrip(), "", "Commands:", *commands])


if __name__ == "__main__":
    main()
