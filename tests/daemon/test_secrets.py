"""Secrets show in no message, no repr and no structure that a traceback or a debugger prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from twisted.logger import capturedLogs, formatEvent
from twisted.python.usage import UsageError

from zibrato.daemon.options import Options
from zibrato.daemon.reload import Reloader

KEY = "0123456789abcdef"
CONFIG = (
    f"apikey = {KEY}\n[zibrato]\n",
    f"[zibrato]\nusername = u\napikey {KEY}\n",
    f"[zibrato]\nusername = u\napikey = x\napikey = {KEY}\n",
    f"[zibrato]\nusername = u\napikey = {KEY}\n  {KEY}\n",
    f"[zibrato]\nusername = u\napikey = {KEY}\x01\n",
    f"[zibrato]\nbackend = librato apikey={KEY}\n",
    f"[zibrato]\nbackend = librat0 apikey={KEY}\n",
    f"[zibrato]\nbackend = librato:{KEY}\n",
    f"[zibrato]\nbackend = librato:username=u:apikey={KEY}:apikey={KEY}\n",
    f"[zibrato]\nbackend = librato:username=u:apikey={KEY}:levels=++\n",
    f"[zibrato]\nusername = u\napikey = {KEY}\nflush-interval = x\n",
)
"""Files that are wrong, each in another way, with a key in them."""


@pytest.mark.attack("a key in a file that can't be read", before="HUP logged the line with the key")
@pytest.mark.parametrize("text", CONFIG)
def test_what_is_wrong_is_said_without_the_key(text: str, tmp_path: Path) -> None:
    file = tmp_path / "zibrato.conf"
    file.write_text("[zibrato]\n")
    options = Options({})
    options.parseOptions(["--config", str(file)])
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        Options({}).parseOptions(["--config", str(file)])
    assert KEY not in str(caught.value)
    with capturedLogs() as events:
        nothing = cast(Any, None)
        Reloader(options, nothing, nothing, nothing).reload()
    assert any("nothing reloaded" in str(formatEvent(event)) for event in events)
    assert KEY not in "".join(str(formatEvent(event)) for event in events)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--username", "u", "--apikey", KEY),
        ("-u", "u", "-k", KEY),
        ("--username=u", f"--apikey={KEY}"),
        ("--backend", f"librato:username=u:apikey={KEY}"),
    ],
)
def test_no_repr_of_the_options_has_it(arguments: tuple[str, ...]) -> None:
    options = Options({})
    options.parseOptions(arguments)
    shown = [repr(options), repr(options.settings), repr(vars(options))]
    assert not [text for text in shown if KEY in text]
    (choice,) = options.settings.backends
    assert choice.settings["apikey"] == KEY
    assert options.reread().settings == options.settings
