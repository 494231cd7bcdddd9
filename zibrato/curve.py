"""Private: CURVE keys, which encrypt and authenticate `tcp://`: their files, and who has which.

The files are those of `zmq.auth.create_certificates`: NAME.key with a public key, for others, and
NAME.key_secret with both keys of a pair.
"""

from __future__ import annotations

import os
import re
import shlex
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import zmq
from zmq.utils import z85

from zibrato.files.secret_file import check_private, check_writers, read_secret

__all__ = [
    "CLIENTS",
    "PUBLIC",
    "SECRET",
    "SERVER",
    "ClientKeys",
    "KeyPair",
    "ServerKeys",
    "client_keys",
    "server_keys",
]

SERVER = "server"
PUBLIC, SECRET = ".key", ".key_secret"
CLIENTS = "clients"
"""The directory, within the daemon's, of the public keys of clients that it lets in."""
HANDSHAKE = 5000
"""Milliseconds until a client that was turned away asks again: its key may be known by then."""
RECONNECT = 250
"""Milliseconds between attempts to connect: a wrong key fails after the connection was made, so
that ZeroMQ's own growing pause begins anew each time."""

Files = str | os.PathLike[str]
Given = Files | tuple[Files, Files]


class SecretKey(bytes):
    """A key that no repr, and so no traceback or log of a structure, shows."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'***'"


class KeyPair(NamedTuple):
    """The two keys of one side, each as 40 characters of Z85."""

    public: bytes
    secret: SecretKey


class ClientKeys(NamedTuple):
    """What a client has: its own pair, and the public key of the daemon that it sends to."""

    pair: KeyPair
    server: bytes

    def apply(self, socket: zmq.Socket[bytes]) -> None:
        """Have what `socket` connects to from now on be this daemon, and see nothing but it."""
        socket.set(zmq.CURVE_SERVERKEY, self.server)
        socket.set(zmq.CURVE_PUBLICKEY, self.pair.public)
        socket.set(zmq.CURVE_SECRETKEY, self.pair.secret)
        socket.set(zmq.HANDSHAKE_IVL, HANDSHAKE)
        socket.set(zmq.RECONNECT_IVL, RECONNECT)


class ServerKeys(NamedTuple):
    """What a daemon has: its own pair, and the names of the clients that it lets in, by key."""

    pair: KeyPair
    clients: Mapping[bytes, str]


def server_keys(directory: Path) -> ServerKeys:
    """Return the keys of a daemon's directory; raises ValueError with a half-sentence for people.

    Whoever may write there can let anybody in, so nobody else may.
    """
    file = directory / f"{SERVER}{SECRET}"
    if directory.is_dir() and not file.exists():
        raise ValueError(f"there is no {file}; make it with {_keygen(directory)}")
    clients = directory / CLIENTS
    for path in (directory, clients):
        check_writers(path)
    pair = _pair(file)
    names = {_public(file): file.stem for file in sorted(clients.glob(f"*{PUBLIC}"))}
    return ServerKeys(pair, names)


def client_keys(given: Given | None) -> ClientKeys | None:
    """Return the keys that a client's `curve` names, None for none.

    It is a directory, which holds `server.key` and one secret key file, or a pair of two files:
    the client's secret one, the server's public one. Raises TypeError or ValueError, one line.
    """
    if given is None:
        return None
    files = given if isinstance(given, tuple) else (given, given)
    if len(files) != 2 or not all(isinstance(file, str | os.PathLike) for file in files):
        raise TypeError("curve: expected the path of a directory of keys, or of two key files")
    try:
        secret, server = map(Path, given) if isinstance(given, tuple) else _files(Path(given))
        return ClientKeys(_pair(secret), _public(server))
    except ValueError as error:
        raise ValueError(f"curve: {error}") from None


def _files(directory: Path) -> tuple[Path, Path]:
    """Return the client's secret key file and the server's public one."""
    if directory.is_file():
        raise ValueError(
            f"{directory} is a file; name the directory that it is in, or two files: a "
            f"NAME{SECRET}, then {SERVER}{PUBLIC}"
        )
    secrets = sorted(directory.glob(f"*{SECRET}"))
    own = [file for file in secrets if file.stem != SERVER]
    if not own:
        raise ValueError(
            f"expected one secret key of a client in {directory}, found none; make one with "
            f"{_keygen(directory, 'NAME')}, or name two files"
        )
    if len(own) > 1:
        raise ValueError(
            f"expected one secret key of a client in {directory}, found {len(own)}; name two "
            f"files: {own[0]}, or another, then {directory / (SERVER + PUBLIC)}"
        )
    return own[0], directory / f"{SERVER}{PUBLIC}"


def _pair(file: Path) -> KeyPair:
    text = read_secret(file)
    public, secret = _key(text, "public"), _key(text, "secret")
    # First what it is: of a file with a public key, which is no secret, that is what's wrong.
    if public is None or secret is None:
        raise ValueError(f"{file} has no pair of CURVE keys; {_remedy(file)}")
    if zmq.curve_public(secret) != public:
        raise ValueError(f"the two keys in {file} are no pair; {_remedy(file)}")
    check_private(file)
    return KeyPair(public, SecretKey(secret))


def _remedy(file: Path) -> str:
    """Return how there comes to be a pair of keys in place of what is in a file."""
    if file.suffix == SECRET:
        return f"make it anew with {_keygen(file.parent, file.stem, '--force')}"
    return f"name a NAME{SECRET}, as {_keygen(file.parent, 'NAME')} makes it"


def _keygen(directory: Path, *arguments: str) -> str:
    """Return the command that makes keys in a directory."""
    return shlex.join(["zibrato", "keygen", str(directory), *arguments])


def _public(file: Path) -> bytes:
    key = _key(read_secret(file), "public")
    if key is None:
        raise ValueError(
            f"{file} has no public key of CURVE; copy it from where zibrato keygen made it"
        )
    return key


def _key(text: str, kind: str) -> bytes | None:
    """Return a key out of the text of a file, if there is one."""
    match = re.search(rf'^\s*{kind}-key\s*=\s*"?([!-~]{{40}}?)"?\s*$', text, re.M)
    try:
        if match and len(z85.decode(match[1].encode())) == 32:
            return match[1].encode()
    except (KeyError, struct.error):  # of characters that Z85 doesn't have, or too large a number
        pass
    return None
