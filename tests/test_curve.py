"""Files of CURVE keys: their owners and permissions, and errors for invalid files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import zmq
import zmq.auth

from zibrato.commands import keygen
from zibrato.commands.keygen import make_keys
from zibrato.curve import ClientKeys, KeyPair, SecretKey, client_keys, server_keys


@pytest.fixture
def server(tmp_path: Path) -> Path:
    """A daemon's directory with one client."""
    made = tmp_path / "server"
    make_keys(made, "server")
    make_keys(tmp_path / "client", "web-1")
    (made / "clients" / "web-1.key").write_text((tmp_path / "client" / "web-1.key").read_text())
    return made


@pytest.fixture
def client(server: Path, tmp_path: Path) -> Path:
    """The directory of that client."""
    made = tmp_path / "client"
    (made / "server.key").write_text((server / "server.key").read_text())
    return made


def test_each_side_has_the_public_key_of_the_other(server: Path, client: Path) -> None:
    mine, theirs = client_keys(client), server_keys(server)
    assert mine is not None
    assert mine.server == theirs.pair.public
    assert theirs.clients == {mine.pair.public: "web-1"}
    files = (client / "web-1.key_secret", str(client / "server.key"))
    assert client_keys(files) == client_keys(str(client)) == mine
    assert client_keys(None) is None


def test_the_files_of_pyzmq_are_read_too(server: Path, client: Path) -> None:
    zmq.auth.create_certificates(server / "clients", "pyzmq")
    public, secret = zmq.auth.load_certificate(server / "clients" / "pyzmq.key_secret")
    assert server_keys(server).clients[public] == "pyzmq"
    (server / "clients" / "pyzmq.key_secret").chmod(0o600)
    keys = client_keys((server / "clients" / "pyzmq.key_secret", client / "server.key"))
    assert keys is not None
    assert keys.pair == (public, secret)


def test_no_secret_shows(server: Path, client: Path) -> None:
    for keys in (server_keys(server), client_keys(client)):
        assert keys is not None
        assert keys.pair.secret.decode() not in repr(keys)
        assert "'***'" in repr(keys)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o602])
def test_a_secret_key_that_others_have_is_rejected(server: Path, client: Path, mode: int) -> None:
    (server / "server.key_secret").chmod(mode)
    (client / "web-1.key_secret").chmod(mode)
    words = r"others may (read|write to) .*key_secret \(mode \d+\); chmod it to 600$"
    with pytest.raises(ValueError, match=words):
        server_keys(server)
    with pytest.raises(ValueError, match=f"^curve: {words}"):
        client_keys(client)


@pytest.mark.parametrize(
    ("name", "mode"), [(".", 0o770), ("clients", 0o702), ("clients/web-1.key", 0o620)]
)
def test_nobody_else_may_let_anybody_in(server: Path, name: str, mode: int) -> None:
    (server / name).chmod(mode)
    with pytest.raises(ValueError, match=rf"others may write to .* \(mode {mode:o}\)"):
        server_keys(server)


def test_a_directory_without_keys_says_what_to_do(tmp_path: Path, client: Path) -> None:
    empty = tmp_path / "empty"
    with pytest.raises(ValueError, match=r"can't read .*empty"):
        server_keys(empty)
    empty.mkdir(mode=0o700)
    with pytest.raises(ValueError, match=f"no {empty}/server.key_secret; make it with zibrato key"):
        server_keys(empty)
    make_keys(client, "web-2")
    with pytest.raises(ValueError, match=r"found 2; name two files: .*/web-1\.key_secret, or an"):
        client_keys(client)
    (client / "web-2.key_secret").unlink()
    (client / "server.key").unlink()
    with pytest.raises(ValueError, match=r"^curve: can't read .*/server\.key"):
        client_keys(client)


def follow(advice: object) -> Path:
    """Run the command that a message advises; return the directory where it made keys."""
    found = re.search("zibrato keygen (.*?)(, or name two files| makes it|$)", str(advice))
    assert found is not None
    arguments = shlex.split(found[1])
    keygen.main(arguments)
    return Path(arguments[0])


@pytest.mark.parametrize("name", ["absent", "empty", "of mine"])
def test_what_a_client_without_keys_is_told_to_run_makes_them(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    if name != "absent":
        directory.mkdir(mode=0o700)
    with pytest.raises(ValueError, match=r"^curve: expected one secret .*, found none;") as caught:
        client_keys(directory)
    assert follow(caught.value) == directory
    (directory / "server.key").write_text((directory / "NAME.key").read_text())
    assert client_keys(directory) is not None


@pytest.mark.parametrize("name", ["web-1.key_secret", "web-1.key", "server.key"])
def test_a_file_is_no_directory(client: Path, name: str) -> None:
    with pytest.raises(ValueError, match=f"^curve: .*/{name} is a file; name the directory that"):
        client_keys(client / name)


@pytest.mark.parametrize("name", ["web-1.key", "server.key", "notes"])
def test_a_file_without_a_pair_is_told_so_and_not_to_be_private(client: Path, name: str) -> None:
    (client / "notes").write_text("nothing")
    with pytest.raises(ValueError, match=rf"/{name} has no pair of CURVE keys; name a") as caught:
        client_keys((client / name, client / "server.key"))
    follow(caught.value)
    assert client_keys((client / "NAME.key_secret", client / "server.key")) is not None


def test_a_broken_pair_is_made_anew(client: Path, server: Path) -> None:
    for file in (client / "web-1.key_secret", server / "server.key_secret"):
        file.write_text("nothing")
    with pytest.raises(ValueError, match="has no pair of CURVE keys; make it again") as caught:
        client_keys(client)
    follow(caught.value)
    assert client_keys(client) is not None
    with pytest.raises(ValueError, match="has no pair of CURVE keys; make it again") as caught:
        server_keys(server)
    follow(caught.value)
    assert server_keys(server).clients


def test_a_daemon_s_directory_without_keys_is_told_what_makes_them(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no .*key_secret; make it with") as caught:
        server_keys(tmp_path)
    follow(caught.value)
    assert server_keys(tmp_path).clients == {}


@pytest.mark.parametrize("given", [5, (), ("a", "b", "c"), ("a", 5), ["a", "b"], b"a"])
def test_what_is_no_path_is_a_type_error(given: Any) -> None:
    with pytest.raises(
        TypeError, match="curve: expected the path of a directory of keys, or of two"
    ):
        client_keys(given)


@pytest.mark.parametrize(
    "key", ["", "short", "~" * 40, "#" * 40, "a" * 41, 'a" "' * 10, "\u00e4" * 40]
)
def test_what_is_no_key_is_not_told(server: Path, key: str) -> None:
    (server / "clients" / "wrong.key").write_text(f'public-key = "{key}"\n')
    with pytest.raises(ValueError, match=r"/wrong\.key has no public key of CURVE") as caught:
        server_keys(server)
    assert not key or key not in str(caught.value)


def test_two_keys_of_different_pairs_are_none(client: Path) -> None:
    file = client / "web-1.key_secret"
    public, _ = zmq.curve_keypair()
    text = file.read_text()
    own, secret = zmq.auth.load_certificate(file)
    file.write_text(text.replace(own.decode(), public.decode()))
    with pytest.raises(ValueError, match=r"the two keys in .* are not a pair") as caught:
        client_keys(client)
    assert secret is not None
    assert secret.decode() not in str(caught.value)


def test_a_socket_gets_the_keys() -> None:
    public, secret = zmq.curve_keypair()
    server, _ = zmq.curve_keypair()
    context: zmq.Context[Any] = zmq.Context()
    with context, context.socket(zmq.PUSH) as socket:
        ClientKeys(KeyPair(public, SecretKey(secret)), server).apply(socket)
        assert socket.get(zmq.MECHANISM) == zmq.CURVE
