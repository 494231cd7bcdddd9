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
"""Modules with a function `main`, which takes the arguments behind the command."""


def main() -> None:
    """Run `twistd` in the foreground, without a pid file, with this command's arguments.

    With a command as the first of them, run that instead.
    """
    command, *rest = sys.argv[1:] or [""]
    if command in COMMANDS:
        import_module(COMMANDS[command]).main(rest)
    elif command and not command.startswith("-"):
        from zibrato.suggestion import suggestion  # noqa: PLC0415 - for who misspelt one

        meant = suggestion(command, COMMANDS) or "; see zibrato --help"
        raise SystemExit(f"zibrato: expected options or a command, got {command!r}{meant}")
    elif "--help" in sys.argv[1:]:
        print(_help())
    else:
        from twisted.scripts.twistd import run  # noqa: PLC0415 - no command needs Twisted

        sys.argv = ["twistd", "--nodaemon", "--pidfile=", "zibrato", *sys.argv[1:]]
        run()


def _help() -> str:
    """Return the daemon's options, and the commands that are run instead of it."""
    from zibrato.daemon.options import Options  # noqa: PLC0415 - no command needs Twisted

    options = Options()
    options.synopsis = "Usage: zibrato [options]\n       zibrato COMMAND --help"
    lines = {name: str(import_module(path).__doc__) for name, path in COMMANDS.items()}
    commands = [f"  {name:13}{doc.splitlines()[0].replace('`', '')}" for name, doc in lines.items()]
    return "\n".join([str(options).rstrip(), "", "Commands:", *commands])


if __name__ == "__main__":
    main()
