"""The page of the daemon's own series has those that the code counts, and no others."""

from __future__ import annotations

import re

from tests.docs.blocks import ROOT

PAGE = (ROOT / "docs/reference/self_metrics.rst").read_text()
SOURCE = "".join(path.read_text() for path in ROOT.glob("zibrato/**/*.py"))
PARTS = (*ROOT.glob("zibrato/daemon/**/*.py"), ROOT / "zibrato/store/db/losses.py")
DAEMON = "".join(path.read_text() for path in PARTS)


def test_the_table_has_every_series_of_the_daemon() -> None:
    table = set(re.findall(r"^``(zibrato\.[\w.]+)`` +(?:counter|gauge) ", PAGE, re.M))
    of_clients = {name for name in table if name.startswith("zibrato.client.")}
    assert of_clients == {f"zibrato.client.{name}" for name in ("dropped", "errors", "series")}
    assert table - of_clients == set(re.findall(r'"(zibrato\.[\w.]+)"', DAEMON))


def test_every_reason_is_one_that_the_code_gives() -> None:
    reasons = re.findall(r"^``(\w+)``  ", PAGE.partition("The account")[0], re.M)
    assert len(reasons) == 16
    for reason in reasons:
        assert f'"{reason}"' in SOURCE, reason


def test_no_old_name_is_left() -> None:
    old = r"zibrato\.(series\.overflow|intake\.retimed|backend\.given_up)"
    for path in (*ROOT.glob("docs/**/*.rst"), *ROOT.glob("*.rst"), *ROOT.glob("deploy/*")):
        if path.name != "CHANGES.rst":
            assert not re.search(old, path.read_text()), path
