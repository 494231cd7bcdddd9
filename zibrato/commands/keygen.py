"""Makes a pair of CURVE keys: `zibrato keygen DIR [NAME]`.

DIR/NAME.key_secret holds both keys: keep it where it was made, readable by its owner only. Give
DIR/NAME.key, the public key, to the other side. Without NAME the pair is the daemon's, `server`,
and DIR also gets a directory for the public keys of clients.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

import zmq

from zibrato.commands.command_line import CommandLine
from zibrato.curve import CLIENTS, PUBLIC, SECRET, SERVER
from zibrato.files.secret_file import check_writers

__all__ = ["main", "make_keys"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_HEAD = (
    "#   ZeroMQ CURVE {kind} certificate, made by zibrato keygen\n#   {note}\n\nmetadata\ncurve\n"
)
_PUBLIC = _HEAD.format(kind="public", note="Give it to the other side; it is no secret.")
_SECRET = _HEAD.format(kind="SECRET", note="Keep it where it was made, readable by its owner only.")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; an error is one line on stderr, and exit status 1."""
    options = _parser().parse_args(arguments)
    directory = Path(options.directory)
    try:
        make_keys(directory, options.name, force=options.force)
    except (OSError, ValueError) as error:
        raise SystemExit(f"zibrato keygen: {error}") from None
    public = directory / f"{options.name}{PUBLIC}"
    if options.name == SERVER:
        clients = directory / CLIENTS
        print(f"give {public} to clients; put the public keys of accepted clients in {clients}/")
    else:
        print(f"copy {public} to {CLIENTS}/ of the daemon's keys, and its {SERVER}{PUBLIC} here")


def make_keys(directory: Path, name: str, *, force: bool = False) -> None:
    """Make the two files of a new pair; raises OSError or ValueError, with a line for people.

    Existing keys are kept, unless `force` is true.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"NAME: expected up to 100 letters, digits, dots, dashes or underscores, got {name!r}"
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    check_writers(directory)
    if name == SERVER:
        (directory / CLIENTS).mkdir(mode=0o700, exist_ok=True)
    public, secret = zmq.curve_keypair()
    lines = f'    public-key = "{public.decode()}"\n', f'    secret-key = "{secret.decode()}"\n'
    files = {
        directory / f"{name}{SECRET}": (_SECRET + "".join(lines), 0o600),
        directory / f"{name}{PUBLIC}": (_PUBLIC + lines[0], 0o644),
    }
    # Check all files before the first is written: half a pair is of no use.
    for path in files:
        if force:
            path.unlink(missing_ok=True)
        elif os.path.lexists(path):
            raise FileExistsError(f"{path} is there already; give another name, or --force")
    for path, (text, mode) in files.items():
        _write(path, text, mode)


def _write(path: Path, text: str, mode: int) -> None:
    """Write a new file; if `mode` makes it private, nobody else can read it even for a moment."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)


def _parser() -> CommandLine:
    parser = CommandLine("keygen", __doc__)
    parser.add_argument("directory", metavar="DIR", help="directory; made if it doesn't exist")
    parser.add_argument("name", metavar="NAME", nargs="?", default=SERVER, help="default: server")
    parser.add_argument("--force", action="store_true", help="replace existing keys")
    return parser


if __name__ == "__main__":
    main()
