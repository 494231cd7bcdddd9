"""Take the pictures of the commands that watch: `python docs/screenshots/terminal.py [DIRECTORY]`.

They run in a pseudo-terminal beside a real daemon, which gets an imagined shop's measurements.
Takes about half a minute.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from itertools import groupby
from pathlib import Path
from time import sleep

from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.text import Text

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.integration.processes import BIN, daemon  # noqa: E402 - found by the path above
from tests.integration.screen import Screen  # noqa: E402 - found by the path above
from tests.integration.shop import open_shop  # noqa: E402 - found by the path above

HISTORY = 60
LIVE = 20
"""Seconds."""
COLUMNS, LINES = 96, 26
TOP_LINES = 20
NAMES = {"brown": "yellow"}
"""Colours that pyte calls otherwise than rich."""


def style(char: Char) -> Style:
    """Return how pyte has a character drawn."""

    def color(name: str) -> str | None:
        if name == "default":
            return None
        return f"#{name}" if re.fullmatch("[0-9a-f]{6}", name) else NAMES.get(name, name)

    return Style(color=color(char.fg), bgcolor=color(char.bg), bold=char.bold, reverse=char.reverse)


def draw(screen: Screen, lines: int, title: str, path: Path) -> None:
    """Write what is on the screen as SVG, with no font from elsewhere."""
    console = Console(width=COLUMNS, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 - open while it records
    for line in screen.cells[:lines]:
        text = Text(no_wrap=True)
        for drawn, chars in groupby(line, key=style):
            text.append("".join(char.data for char in chars), drawn)
        console.print(text, end="\n")
    svg = console.export_svg(title=title, unique_id=path.stem)
    svg = re.sub(r"@font-face \{.*?\}\n", "", svg, flags=re.S)
    path.write_text(svg.replace("Fira Code, monospace", "monospace"))
    print(f"{path}: {path.stat().st_size:,} bytes")


def take(url: str, directory: Path) -> None:
    """Take both."""
    zibrato = str(BIN / "zibrato")
    with Screen([zibrato, "status", "--url", url], COLUMNS, LINES) as screen:
        screen.wait()
        lines = len(screen.text.rstrip().splitlines())
        draw(screen, lines, "zibrato status", directory / "status.svg")
    with Screen([zibrato, "top", "--url", url], COLUMNS, TOP_LINES) as screen:
        screen.wait_for("^live: .* series")
        screen.wait_for("█ *$")
        screen.press("shop")
        screen.wait_for(r"^shop\.checkout\S* web-1 +\d+ +-( +0\.\d+){3} ")
        screen.settle()
        draw(screen, TOP_LINES, "zibrato top", directory / "top.svg")
        screen.press("\x03")
        screen.wait()


def main() -> None:
    """Start the daemon, feed it, take the pictures."""
    random.seed(7)
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    with tempfile.TemporaryDirectory() as temporary:
        endpoint = f"ipc://{temporary}/socket"
        options = (
            *("--web", "tcp:0:interface=127.0.0.1", "--store", f"{temporary}/store"),
            *("--username", "shop", "--apikey", "key", "--hostname", "http://127.0.0.1:1"),
            *("--stop-timeout", "0.1", "--source", "web-1", "--socket", endpoint),
        )
        with daemon("--flush-interval", "1", *options) as process:
            url = process.wait_for(r"the page is at (http://\S+)/").group(1)
            with open_shop(endpoint, HISTORY, 1):
                sleep(LIVE)
                take(url, directory)
            process.stop()


if __name__ == "__main__":
    main()
