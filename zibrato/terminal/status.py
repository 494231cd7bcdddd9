"""Shows the daemon's health on one screen: `zibrato status`.

It asks the daemon's page. The exit status is that of a Nagios plugin: 0 for ok, 1 for a warning, 2
for a critical problem, 3 if no page answers or the command line is wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec

from zibrato.commands.command_line import CommandLine
from zibrato.health import CRITICAL, OK, WARNING, Health
from zibrato.terminal.page import TIMEOUT, Page, UnreachableError, add_options, page_of
from zibrato.terminal.status_text import brief_lines, lines

STATUSES = {OK: 0, WARNING: 1, CRITICAL: 2}
UNKNOWN = 3


class Brief(msgspec.Struct):
    """What a page reports to a client without credentials."""

    status: str


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; an error is one line on stderr, and exit status 3."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        page = page_of(options)
    except ValueError as error:
        parser.error(str(error))
    try:
        report = report_of(page)
    except UnreachableError as error:
        print(f"zibrato status: {error}", file=sys.stderr)
        raise SystemExit(UNKNOWN) from None
    if isinstance(report, Health):
        shown = lines(report, page.url)
    else:
        shown = brief_lines(report.status, page.url)
    # A terminal's encoding may lack characters of names and sources.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a real stdout has it
    print("\n".join(shown))
    raise SystemExit(STATUSES[report.status])


def report_of(page: Page) -> Health | Brief:
    """Return the page's report; raises UnreachableError."""
    # If something is critical, the status is 503, and the body has the report.
    body = page.get("health", 503, within=TIMEOUT)
    try:
        brief = msgspec.json.decode(body, type=Brief)
        if brief.status not in STATUSES:
            raise ValueError(brief.status)
        known = msgspec.json.decode(body)
        return msgspec.convert(known, Health) if len(known) > 1 else brief
    except ValueError:  # msgspec's errors are ValueErrors
        text = f"{page.url} is not a page of this version of Zibrato"
        raise UnreachableError(text) from None


def _parser() -> CommandLine:
    parser = CommandLine("status", __doc__, UNKNOWN)
    add_options(parser)
    return parser


if __name__ == "__main__":
    main()
