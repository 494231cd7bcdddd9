"""What the project says of itself in several places is the same in all of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT

SETUP = (ROOT / "setup.py").read_text()
VERSIONS = re.findall(r"Programming Language :: Python :: (3\.\d+)", SETUP)


@pytest.mark.parametrize(
    ("file", "pattern"),
    [
        (".github/workflows/test.yml", r'python: \["(3.*)"\]'),
        ("tests/matrix.sh", r'^supported="(.*)"'),
    ],
)
def test_the_same_pythons_are_supported_everywhere(file: str, pattern: str) -> None:
    match = re.search(pattern, (ROOT / file).read_text(), re.M)
    assert match
    assert re.findall(r"3\.\d+", match[1]) == VERSIONS


def test_the_oldest_dependencies_are_those_of_setup_py() -> None:
    sed = re.search(r"sed -nE '(.*)' setup.py", (ROOT / "tests/oldest.sh").read_text())
    assert sed
    command = ["sed", "-nE", sed[1], str(ROOT / "setup.py")]
    constraints = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    required = re.search(r"install_requires=\[\n(.*?)\n    \],", SETUP, re.S)
    assert required
    # Of the extras those that users install, which have one line each.
    extras = re.findall(r'^ {8}"[\w-]+": \["([^"]+>=[^"]+)"\],$', SETUP, re.M)
    wanted = [*re.findall(r'"(.*)"', required[1]), *extras]
    lines = [re.sub(r"\[\w+\]|;.*", "", line) for line in wanted]
    assert "opentelemetry-proto>=1.28" in lines
    assert constraints.split() == [line.replace(">=", "==") for line in lines]


def test_the_workflow_runs_targets_that_there_are() -> None:
    makefile = (ROOT / "Makefile").read_text()
    workflow = (ROOT / ".github/workflows/test.yml").read_text()
    for target in ("oldest", "unit", *re.findall(r"run: make (\w+) ", workflow)):
        assert re.search(rf"^{target}:", makefile, re.M), target


def towncrier(directory: Path) -> subprocess.CompletedProcess[str]:
    """Return what a draft of the news says of the fragments of a directory."""
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "next"]
    return subprocess.run(
        [*command, "--dir", str(directory)], check=False, capture_output=True, text=True
    )


def test_every_fragment_is_in_the_news() -> None:
    draft = towncrier(ROOT)
    assert draft.returncode == 0, draft.stderr
    news = " ".join(draft.stdout.split())
    for fragment in ROOT.glob("newsfragments/*.rst"):
        assert " ".join(fragment.read_text().split()[:8]) in news


def test_a_fragment_of_a_wrong_name_fails(tmp_path: Path) -> None:
    for name in ("pyproject.toml", "CHANGES.rst"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    folder = tmp_path / "newsfragments"
    folder.mkdir()
    (folder / "+fast.feature.rst").write_text("It is fast.\n")
    assert towncrier(tmp_path).returncode == 0
    (folder / "fast.rst").write_text("It is fast.\n")
    assert towncrier(tmp_path).returncode != 0


def test_contributing_has_a_row_for_every_package() -> None:
    table = (ROOT / "CONTRIBUTING.rst").read_text()
    packages = {path.parent for path in (ROOT / "zibrato").glob("*/__init__.py")}
    missing = [path.name for path in packages if f"``zibrato/{path.name}/" not in table]
    assert missing == []
