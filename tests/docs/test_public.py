"""The page of the Python API says of every module whether it is public."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module

import pytest

import zibrato
from tests.docs.blocks import ROOT
from zibrato import interfaces

PAGE = (ROOT / "docs/reference/python.rst").read_text()
PUBLIC = set(re.findall(r"^`(zibrato[.\w]*)`_", PAGE, re.M))
PRIVATE = set(re.findall(r"``(zibrato\.\w+)(?:\.\w+)?``", PAGE)) - PUBLIC
MODULES = {f"zibrato.{module.name}" for module in pkgutil.iter_modules(zibrato.__path__)}


def test_every_module_is_either_public_or_private() -> None:
    assert MODULES | {"zibrato"} == PUBLIC | PRIVATE, "say there what a new module is"


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_module_can_be_imported_and_has_a_section(name: str) -> None:
    import_module(name)
    assert re.search(rf"^{re.escape(name)}\n-+\n", PAGE, re.M)


def test_every_interface_is_on_the_page() -> None:
    """Those of zope are listed one by one: Sphinx finds only classes by itself."""
    assert [name for name in interfaces.__all__ if not re.search(rf"\b{name}\b", PAGE)] == []
