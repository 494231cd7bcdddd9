"""What makes the backends: found by name, imported when used, and light until then.

The module that this mirrors is the package's own, zibrato/backends/__init__.py.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from twisted.plugin import getPlugins
from zope.interface.verify import verifyObject

from tests.environment import unmeasured
from tests.fake_reactor import FakeReactor
from zibrato.backends import BackendMaker, ConfiguredMaker
from zibrato.backends.memory import MemoryBackend
from zibrato.files.file_lock import FileLock
from zibrato.interfaces import (
    BackendContext,
    IBackend,
    IBackendMaker,
    IBackendOptions,
    ICheckingMaker,
)

LIGHT = """
import sys
from zibrato.service import Options
options = Options({})
options.parseOptions(["--username", "u", "--apikey", "k", "--store", "s"])
assert [choice.maker.name for choice in options.settings.backends] == ["librato", "store"]
heavy = ("twisted.internet.reactor", "treq", "klein", "txzmq", "zibrato.store.db")
print([name for name in heavy if name in sys.modules])
"""


def context() -> BackendContext:
    return BackendContext(FakeReactor(), (50,))


def test_all_that_are_installed_keep_to_the_interfaces() -> None:
    makers = {maker.name: maker for maker in getPlugins(IBackendMaker)}
    assert set(makers) >= {"graphite", "librato", "log", "memory", "statsd", "store"}
    for maker in makers.values():
        verifyObject(IBackendMaker, maker)
        verifyObject(ICheckingMaker, maker)
    adapted = (IBackendOptions(maker, None) for maker in makers.values())
    configured = {maker.name: maker for maker in adapted if maker is not None}
    assert set(configured) == {"librato", "store"}
    for maker in configured.values():
        verifyObject(IBackendOptions, maker)
    assert [name for name, maker in configured.items() if maker.is_default] == ["store"]


def test_a_maker_needs_no_options() -> None:
    maker = BackendMaker("memory", "zibrato.backends.memory")
    assert IBackendOptions(maker, None) is None
    assert isinstance(maker.make({}, context()), MemoryBackend)
    assert maker.description == "Keeps snapshots in a list, for tests; no settings."


def test_one_that_lacks_its_extra_says_what_it_is_and_how_to_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "acme_lacking.py").write_text('"""Ships to Acme."""\n\nimport no_such_package\n')
    assert BackendMaker("acme", "acme_lacking", extra="acme").description == (
        "Ships to Acme. (the package no_such_package isn't installed: pip install 'zibrato[acme]')"
    )


def test_nothing_is_imported_before_it_is_used() -> None:
    maker = ConfiguredMaker("nix", "no.such.module", "no.such.options", is_default=True)
    assert (maker.name, maker.is_default) == ("nix", True)
    with pytest.raises(Exception, match=r"no\.such"):
        maker.make({}, context())
    with pytest.raises(Exception, match=r"no\.such"):
        assert maker.options


def test_what_is_no_backend_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zibrato.backends.memory.make", lambda *_: object())
    with pytest.raises(TypeError, match="Could not adapt"):
        BackendMaker("memory", "zibrato.backends.memory").make({}, context())


def test_parsing_options_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT],
        env=unmeasured(), check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"


TOTALS = {"totals": "file"}
SETTINGS: Sequence[tuple[str, Mapping[str, str]]] = (
    ("store", {"path": "file"}),
    ("log", {"path": "file"}),
    ("memory", {}),
    ("prometheus", TOTALS),
    ("remote_write", {"url": "http://127.0.0.1:1/", **TOTALS}),
    ("otlp", {"url": "http://127.0.0.1:1/", "temporality": "cumulative", **TOTALS}),
)


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_settings_are_checked_without_what_they_would_take(
    name: str, settings: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    maker = ICheckingMaker(next(one for one in getPlugins(IBackendMaker) if one.name == name))
    threads = {*threading.enumerate()}  # of which some may end meanwhile
    with closing(FileLock("file")):
        assert IBackend.providedBy(maker.check(settings, context()))
    with pytest.raises(ValueError, match="got 'paht'"):
        maker.check({"paht": ""}, context())
    if "file" in settings.values():
        with pytest.raises(ValueError, match=r"expected a file.*, got "):
            maker.check(
                {key: value.replace("file", ".") for key, value in settings.items()}, context()
            )
    assert [path.name for path in tmp_path.iterdir()] == ["file.lock"]
    assert {*threading.enumerate()} <= threads
