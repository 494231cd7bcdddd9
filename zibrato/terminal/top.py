"""Lists the daemon's series and their newest values, live: `zibrato top`.

Type to filter by name, source, tags and level. Tab changes the order, Escape clears the filter,
Ctrl-C quits. It needs `pip install 'zibrato[top]'`, and a daemon with a page.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec

from zibrato.commands.command_line import CommandLine
from zibrato.terminal.page import add_options, page_of

MISSING = "zibrato top: needs textual; pip install 'zibrato[top]'"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; an error is one line on stderr, and exit status 1."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        page = page_of(options)
    except ValueError as error:
        parser.error(str(error))
    if find_spec("textual") is None:
        raise SystemExit(MISSING)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SystemExit("zibrato top: expected a terminal; zibrato status needs none")
    from zibrato.terminal.top_app import TopApp  # noqa: PLC0415 - textual may be missing

    app = TopApp(page)
    app.run(mouse=False)
    raise SystemExit(app.return_code)


def _parser() -> CommandLine:
    parser = CommandLine("top", __doc__)
    add_options(parser)
    return parser


if __name__ == "__main__":
    main()
