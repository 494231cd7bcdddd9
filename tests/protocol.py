"""Read docs/reference/protocol.rst: its reasons for rejections, and its examples."""

import re
from pathlib import Path

PROTOCOL = (Path(__file__).parent.parent / "docs" / "reference" / "protocol.rst").read_text(
    encoding="utf-8"
)
LINE_TABLE, FRAME_TABLE, _ROW_TABLE = re.findall(
    r"^reason .*\n=[= ]+\n((?:.+\n)+?)=[= ]+\n", PROTOCOL, re.M
)
LINE_REASONS = re.findall(r"^``(\w+)``", LINE_TABLE, re.M)
FRAME_REASONS = re.findall(r"^``(\w+)``", FRAME_TABLE, re.M)


def block(name: str) -> str:
    """Return the content of the code block `name` in docs/reference/protocol.rst."""
    block = re.search(rf"   :name: {name}\n\n((?:    .*\n|\n)+)", PROTOCOL)
    assert block, name
    return re.sub(r"^    ", "", block[1], flags=re.M).strip()
