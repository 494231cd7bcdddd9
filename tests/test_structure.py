"""The project's structure: its rooms, the allowed imports, and where each module's tests are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import unmeasured
from tests.structure import ROOT, circles, imports, modules, room, tree

MAX_LINES, MAX_FUNCTION_LINES = 300, 40
SHARED = {
    "model", "levels", "wire", "lines", "distribution", "endpoint", "curve", "snapshot_parts",
}  # fmt: skip
FILES = {"files", "summary_codec", "threads"}
STORE = {*SHARED, "interfaces", "unit_suffixes", "store.live", "store.store", "store.options"}
ARROWS = {
    "client": SHARED,
    "testing": {*SHARED, "client"},
    "tx": {*SHARED, "client", "interfaces", "threads"},
    "shell": {*SHARED, "client", "commands", "printable"},
    "integrations": {*SHARED, "client", "tx"},
    "intake": {
        *SHARED,
        "descriptors",
        "files",
        "inflation",
        "interfaces",
        "line_address",
        "tx",
    },
    "backends": {*SHARED, *FILES, "accept_headers", "interfaces", "printable", "suggestion"},
    "daemon": {
        *SHARED,
        *FILES,
        "health",
        "printable",
        "interfaces",
        "tx",
        "descriptors",
        "line_address",
        "suggestion",
        "unit_suffixes",
    },
    "terminal": {"commands", "files", "health", "printable", "model"},
    "store.db": {*SHARED, *FILES, "interfaces", "unit_suffixes"},
    "store.api": {*STORE, "inflation", "store.db", "store.csv_export"},
    "store.web": {
        *STORE,
        "accept_headers",
        "health",
        "store.db",
        "store.api",
        "descriptors",
        "files",
    },
    "files": {"model"},
    "commands": {*SHARED, "config_problems", "daemon", "files", "interfaces", "tx"},
    "web": {
        "endpoint",
        "line_address",
        "daemon",
        "files",
        "health",
        "intake",
        "interfaces",
        "store.web",
    },
}
"""What each room may import in addition to itself."""
PACKAGES = {
    "zibrato.backends": "backends/test_makers.py",
    "zibrato.testing": "testing/test_recordings.py",
}
"""Where a package's own code is tested."""
IMPORTED_TEST = re.compile(
    r"^ *(?:from tests\S*\.test_|import tests\S*\.test_|from tests\S* import [^#\n(]*\btest_"
    r"|from tests\S* import \([^)]*\btest_).*",
    re.M,
)
"""A statement that does; to parse all tests for it took seconds."""
MODULES = modules("zibrato")
TESTS = modules("tests")


@pytest.fixture(scope="module")
def arrows() -> dict[str, set[str]]:
    """What each module imports; computed on use, and not by all workers as they collect tests."""
    return {name: imports(path, MODULES) - {name} for name, path in MODULES.items()}


def test_no_module_is_reached_from_itself(arrows: dict[str, set[str]]) -> None:
    assert list(circles(arrows)) == []


@pytest.mark.parametrize("name", sorted(ARROWS))
def test_a_room_imports_only_what_it_may(name: str, arrows: dict[str, set[str]]) -> None:
    inside = {module for module in MODULES if room(module) == name}
    targets = {room(target) for module in inside for target in arrows[module]} - {name, ""}
    assert targets <= ARROWS[name]


@pytest.mark.parametrize(
    ("names", "absent"),
    [
        (
            (
                *("zibrato", "zibrato.client.sender", "zibrato.testing", "zibrato.shell.timed"),
                *(f"zibrato.integrations.{name}" for name in ("logging", "wsgi", "asgi")),
                *("zibrato.integrations.django", "zibrato.integrations.celery"),
            ),
            (
                *("twisted", "klein", "sqlite3", "numpy", "werkzeug", "flask", "starlette"),
                *("anyio", "django", "asgiref", "celery", "kombu"),
            ),
        ),
        (
            ("zibrato.interfaces", "zibrato.integrations.klein", "zibrato.tx"),
            ("twisted.internet.reactor", "txzmq", "klein", "numpy"),
        ),
        (("zibrato.service",), ("twisted.internet.reactor", "txzmq", "klein")),
        (("zibrato.store.db.database",), ("twisted.internet.reactor", "twisted.web", "klein")),
        (("zibrato.store.export",), ("twisted", "klein")),
        (
            ("twisted.plugins.zibrato_plugin",),
            ("twisted.internet.reactor", "txzmq", "treq", "klein"),
        ),
    ],
)
def test_imports_load_no_more_than_they_need(
    names: tuple[str, ...], absent: tuple[str, ...]
) -> None:
    """One interpreter imports several modules; what none of them needs must not be loaded."""
    program = (
        f"import sys, {', '.join(names)}\n"
        f"print([name for name in {absent!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"


def test_no_module_is_too_long_to_read() -> None:
    lengths = {
        name: len(path.read_text().splitlines()) for name, path in {**MODULES, **TESTS}.items()
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def test_no_function_is_too_long_to_read() -> None:
    lengths = {
        f"{name}.{node.name}": (node.end_lineno or 0) - node.lineno + 1
        for name, path in MODULES.items()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES} == {}


def mirror(name: str, path: Path) -> Path:
    """Return the path of a module's tests."""
    inside = path.relative_to(ROOT / "zibrato")
    return ROOT / "tests" / PACKAGES.get(name, f"{inside.parent}/test_{inside.stem}.py")


def test_every_module_has_a_test_module_of_its_name() -> None:
    tested = {
        name: path
        for name, path in MODULES.items()
        if path.name != "__init__.py" or "def " in path.read_text()
    }
    mirrors = {name: mirror(name, path) for name, path in tested.items()}
    assert {name: path for name, path in mirrors.items() if not path.exists()} == {}


def test_no_test_module_imports_another() -> None:
    others = {
        name: imported
        for name, path in TESTS.items()
        if (imported := IMPORTED_TEST.findall(path.read_text()))
    }
    assert others == {}


@pytest.mark.parametrize("name", sorted(name for name in MODULES if name.count(".") == 1))
def test_a_public_module_says_what_is_public(name: str) -> None:
    text = MODULES[name].read_text()
    private = "private" in text.split('"""')[1].lower()
    assert "__all__" in text or private
