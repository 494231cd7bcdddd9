"""Which backends there are, what they are told, and which page is shown.

What single options mean is in test_options.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from twisted.python.usage import UsageError

from zibrato.daemon.backend_choices import Secret
from zibrato.daemon.options import Options
from zibrato.daemon.settings import Settings
from zibrato.levels import LevelFilter

ACCOUNT = ("--username", "u", "--apikey", "verysecret")


def settings(*arguments: str, **environment: str) -> Settings:
    options = Options(environment)
    options.parseOptions(arguments)
    return options.settings


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ((), ["store"]),
        (ACCOUNT, ["librato"]),
        (("--store", "s"), ["store"]),
        ((*ACCOUNT, "--store", "s"), ["librato", "store"]),
        (("--backend", "log"), ["log"]),
        (("--backend", "log", "--store", "s"), ["log", "store"]),
        (("--backend", "log", *ACCOUNT), ["log", "librato"]),
        (("--backend", "store:path=s", "--store", "t"), ["store"]),
        (("--backend", "librato:levels=info+", *ACCOUNT), ["librato"]),
        (("--backend", "log", "--backend", "log:path=x"), ["log", "log"]),
    ],
)
def test_the_backends_are_the_chosen_the_asked_for_or_the_default(
    arguments: Sequence[str], names: Sequence[str]
) -> None:
    assert [choice.maker.name for choice in settings(*arguments).backends] == names


def test_what_a_choice_says_holds_over_what_options_imply() -> None:
    (store,) = settings("--store", "a", "--backend", "store:path=b:levels=info").backends
    assert store.settings == {"path": "b", "max_stored_series": "100000"}
    assert store.filter.levels == LevelFilter.parse("info")
    (librato,) = settings("--backend", "librato:username=v", ZIBRATO_APIKEY="k").backends
    assert (librato.settings["username"], librato.settings["apikey"]) == ("v", "k")


@pytest.mark.parametrize(
    "arguments", [ACCOUNT, ("--backend", "librato:username=u:apikey=verysecret")]
)
def test_a_secret_shows_in_no_repr(arguments: Sequence[str]) -> None:
    options = Options({})
    options.parseOptions(arguments)
    (choice,) = options.settings.backends
    assert choice.settings["apikey"] == "verysecret"
    assert "verysecret" not in repr(options) + repr(options.settings)
    assert repr(Secret("verysecret")) == "'***'"


@pytest.mark.parametrize(
    ("arguments", "web"),
    [
        ((), "tcp:5580:interface=127.0.0.1"),
        (("--backend", "memory"), None),
        (ACCOUNT, None),
        ((*ACCOUNT, "--store", "s"), "tcp:5580:interface=127.0.0.1"),
        (("--web", "none"), None),
        (("--web", ""), None),
        (("--web", "unix:/a"), "unix:/a"),
        (("--backend", "memory", "--web", "unix:/a"), "unix:/a"),
    ],
)
def test_the_page_is_where_web_says_or_the_backend(
    arguments: Sequence[str], web: str | None
) -> None:
    assert settings(*arguments).web == web


def test_an_error_of_a_backends_options_is_one_of_usage() -> None:
    with pytest.raises(UsageError, match="--username: an API key is needed too"):
        settings("--username", "u", "--backend", "memory")
