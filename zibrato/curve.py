"""Private: reads the CURVE keys of clients and daemons, which encrypt and authenticate `tcp://`.

The files are those of `zmq.auth.create_certificates`: NAME.key has a public key to give to others,
and NAME.key_secret has both keys of a pair.
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
"""The subdirectory of the daemon's directory with the public keys of clients that it lets in."""
HANDSHAKE = 5000
"""Milliseconds until a refused client tries again: its key may have been added by then."""
RECONNECT = 250
"""Milliseconds between attempts to connect. ZeroMQ's own growing pause can't be used: it is reset
when a connection is made, and a wrong key fails only after that."""

_File = str | os.PathLike[str]
KeyFiles = _File | tuple[_File, _File]
"""A directory of keys, or two files: the own secret key, and the other side's public key."""


class SecretKey(bytes):
    """A key whose repr hides it, so that no traceback or log of a structure shows it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'***'"


class KeyPair(NamedTuple):
    """The two keys of one side, each as 40 characters of Z85."""

    public: bytes
    secret: SecretKey


class ClientKeys(NamedTuple):
    """The keys of a client: its own pair, and the public key of the daemon that it sends to."""

    pair: KeyPair
    server: bytes

    def apply(self, socket: zmq.Socket[bytes]) -> None:
        """Encrypt the future connections of `socket`, and let it talk to this daemon only."""
        socket.set(zmq.CURVE_SERVERKEY, self.server)
        socket.set(zmq.CURVE_PUBLICKEY, self.pair.public)
        socket.set(zmq.CURVE_SECRETKEY, self.pair.secret)
        socket.set(zmq.HANDSHAKE_IVL, HANDSHAKE)
        socket.set(zmq.RECONNECT_IVL, RECONNECT)


class ServerKeys(NamedTuple):
    """The keys of a daemon: its own pair, and the names of the clients that it lets in, by key."""

    pair: KeyPair
    clients: Mapping[bytes, str]


def server_keys(directory: Path) -> ServerKeys:
    """Return the keys in a daemon's directory; raises ValueError with a half-sentence for people.

    Raises it also if others than the owner may write there, because they could let anybody in.
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


def client_keys(given: KeyFiles | None) -> ClientKeys | None:
    """Return the keys that a client's argument `curve` names; None if it is None.

    `given` is a directory that has `server.key` and one secret key file, or a pair of files: the
    client's secret key, and the server's public key. Raises TypeError or ValueError, with one line.
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
    """Return the files of the client's secret key and of the server's public key."""
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
    # Before `check_private`: a file that has only a public key needn't be private, so its content
    # is the error to tell.
    if public is None or secret is None:
        raise ValueError(f"{file} has no pair of CURVE keys; {_remedy(file)}")
    if zmq.curve_public(secret) != public:
        raise ValueError(f"the two keys in {file} are not a pair; {_remedy(file)}")
    check_private(file)
    return KeyPair(public, SecretKey(secret))


def _remedy(file: Path) -> str:
    """Return, for an error, how to get a file with a pair of keys."""
    if file.suffix == SECRET:
        return f"make it again with {_keygen(file.parent, file.stem, '--force')}"
    return f"name a NAME{SECRET}, as {_keygen(file.parent, 'NAME')} makes it"


def _keygen(directory: Path, *arguments: str) -> str:
    """Return the command line that makes keys in a directory."""
    return shlex.join(["zibrato", "keygen", str(directory), *arguments])


def _public(file: Path) -> bytes:
    key = _key(read_secret(file), "public")
    if key is None:
        raise ValueError(
            f"{file} has no public key of CURVE; copy it from where zibrato keygen made it"
        )
    return key


def _key(text: str, kind: str) -> bytes | None:
    """Return the key of this kind in a file's text; None if there is none."""
    match = re.search(rf'^\s*{kind}-key\s*=\s*"?([!-~]{{40}}?)"?\s*$', text, re.M)
    try:
        if match and len(z85.decode(match[1].encode())) == 32:
            return match[1].encode()
    except (KeyError, struct.error):  # z85's errors for invalid characters and too large numbers
        pass
    return None
