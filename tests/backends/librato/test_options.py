"""The Librato account on the command line: what it implies, and where its key comes from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from zibrato.backends.librato.account import Account
from zibrato.backends.librato.options import ASKED_BY, OPTIONS, SECRETS, settings

DEFAULTS: Mapping[str, str | None] = {option.name: option.default for option in OPTIONS}


def account(environment: Mapping[str, str] | None = None, **options: str) -> Mapping[str, str]:
    given = {name.replace("_", "-"): value for name, value in options.items()}
    return settings({**DEFAULTS, **given}, environment or {})


def test_a_name_and_a_key_are_an_account() -> None:
    implied = account(username="u", apikey="k")
    assert implied == {
        "username": "u",
        "apikey": "k",
        "hostname": "metrics-api.librato.com",
        "apipath": "/v1/",
    }
    assert Account.parse(implied).url == "https://metrics-api.librato.com/v1/metrics"


def test_a_key_without_a_name_may_be_that_of_a_choice() -> None:
    implied = account(environment={"ZIBRATO_APIKEY": "k"})
    assert (implied["username"], implied["apikey"]) == ("", "k")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"username": "u"}, "--username: an API key is needed too; give --apikey-file FILE"),
        ({"apikey": "k"}, "--apikey: a user name is needed too; give --username NAME"),
        ({"apikey_file": "/nix/da"}, "--apikey-file: can't read /nix/da"),
    ],
)
def test_half_an_account_is_named(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        account({}, **options)
    assert "\n" not in str(caught.value)


def test_the_most_explicit_place_of_a_key_wins(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("from-file\n")
    (tmp_path / "apikey").write_text("from-credential")
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path), "ZIBRATO_APIKEY": "from-environment"}
    assert account(environment=environment)["apikey"] == "from-credential"
    named = account(apikey_file=str(file), environment=environment)
    assert named["apikey"] == "from-file"
    given = account(username="u", apikey="k", apikey_file=str(file), environment=environment)
    assert given["apikey"] == "k"
    (tmp_path / "apikey").unlink()
    assert account(environment=environment)["apikey"] == "from-environment"


def test_an_empty_key_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "apikey").write_text("\n")
    with pytest.raises(ValueError, match=r"credential apikey: .* is empty"):
        account(environment={"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_what_may_hold_a_secret_is_secret() -> None:
    assert [option.name for option in OPTIONS if option.secret] == ["apikey"]
    assert set(SECRETS) == {"apikey", "proxy"}
    assert ASKED_BY in DEFAULTS
