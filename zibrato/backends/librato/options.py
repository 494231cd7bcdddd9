"""Command line options for the Librato account, and the sources of its key.

This module is imported whenever options are parsed, so it imports nothing of the backend.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zibrato.files.secret_file import read_secret
from zibrato.interfaces import BackendOption

HOSTNAME = "metrics-api.librato.com"
APIPATH = "/v1/"
CREDENTIAL = "apikey"
"""The name of the systemd credential that holds the key."""
OPTIONS = (
    BackendOption("username", "Librato user name, most often an e-mail address", "u"),
    BackendOption(
        "apikey",
        "Librato API key; ps shows it: safer are --apikey-file, a systemd credential "
        f"{CREDENTIAL} or $ZIBRATO_APIKEY",
        "k",
        secret=True,
    ),
    BackendOption("apikey-file", "File that holds the API key", secret_file=True),
    BackendOption(
        "hostname",
        "Librato API host, as the default no longer exists; http://HOST:PORT for a server without "
        "TLS",
        "H",
        HOSTNAME,
    ),
    BackendOption("apipath", "Librato API path", "p", APIPATH),
)
SECRETS = ("apikey", "proxy")
RELOADED = ("username", "apikey", "hostname", "apipath")
ASKED_BY = "username"
SUMMARY = "a Librato API with --username and an API key"
WEB = None


def settings(
    options: Mapping[str, str | None], environment: Mapping[str, str]
) -> Mapping[str, str]:
    """Return the account's settings; raises ValueError if only half of an account is given."""
    apikey = _apikey(options, environment)
    username = options["username"]
    if username and not apikey:
        raise ValueError(
            "--username: an API key is needed too; give --apikey-file FILE, a systemd credential "
            f"{CREDENTIAL}, $ZIBRATO_APIKEY or --apikey KEY"
        )
    if options["apikey"] and not username:
        raise ValueError("--apikey: a user name is needed too; give --username NAME")
    return {
        "username": username or "",
        "apikey": apikey,
        "hostname": options["hostname"] or "",
        "apipath": options["apipath"] or "",
    }


def _apikey(options: Mapping[str, str | None], environment: Mapping[str, str]) -> str:
    """Return the API key: from the argument, its file, systemd's credential, or the environment."""
    apikey, file = options["apikey"], options["apikey-file"]
    if apikey:
        return apikey
    if file:
        return _read("--apikey-file", Path(file))
    credentials = environment.get("CREDENTIALS_DIRECTORY")
    if credentials and (path := Path(credentials, CREDENTIAL)).exists():
        return _read(f"credential {CREDENTIAL}", path)
    return environment.get("ZIBRATO_APIKEY", "")


def _read(name: str, path: Path) -> str:
    try:
        secret = read_secret(path)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if not secret:
        raise ValueError(f"{name}: {path} is empty; it must hold the API key")
    return secret
