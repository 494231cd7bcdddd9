"""Where to post, as settings say it, and that no secret shows."""

from __future__ import annotations

import pytest

from zibrato.backends.http_target import HttpTarget


def test_settings() -> None:
    target = HttpTarget.parse(
        {
            "url": "https://there:4318/v1/metrics",
            "headers": "Authorization=Bearer a-secret, X-Org=7",
            "proxy": "http://proxy:1",
        }
    )
    assert target.url == "https://there:4318/v1/metrics"
    assert target.headers == {"Authorization": "Bearer a-secret", "X-Org": "7"}
    assert target.proxy is not None
    assert "a-secret" not in repr(target)
    assert target.scrubbed("no Bearer a-secret, nor a-secret") == "no ***, nor ***"


def test_a_query_is_not_shown() -> None:
    target = HttpTarget.parse({"url": "https://there/v1?key=a-secret"})
    assert target.shown == "https://there/v1?…"
    assert "a-secret" not in repr(target)
    assert HttpTarget.parse({"url": "https://there/v1"}).shown == "https://there/v1"
    with pytest.raises(ValueError, match="got 'there/v1'"):
        HttpTarget.parse({"url": "there/v1?key=a-secret"})


def test_there_may_be_a_default() -> None:
    assert HttpTarget.parse({}, "http://[::1]/").url == "http://[::1]/"
    with pytest.raises(ValueError, match="url: expected"):
        HttpTarget.parse({})


@pytest.mark.parametrize(
    "url", ["there", "ftp://there", "http://there:0", "http://there:65536", "http://a b", "http://"]
)
def test_a_bad_url_is_shown(url: str) -> None:
    with pytest.raises(ValueError, match="url: expected http") as caught:
        HttpTarget.parse({"url": url})
    assert repr(url) in str(caught.value)


def test_a_password_is_not_shown() -> None:
    with pytest.raises(ValueError, match="headers=NAME=VALUE") as caught:
        HttpTarget.parse({"url": "http://user:secret@there/"})
    assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="headers: expected NAME=VALUE") as caught:
        HttpTarget.parse({"url": "http://there", "headers": "secret"})
    assert "secret" not in str(caught.value)
