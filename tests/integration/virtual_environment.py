"""A virtual environment to install in, which has what is required from that of the tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pip
from packaging.requirements import Requirement

from tests.integration.processes import Process

__all__ = ["VirtualEnvironment", "required"]

SCRIPT = """#!{python}
import sys
from {script.module} import {script.attr}
sys.exit({script.attr}())
"""


class VirtualEnvironment:
    """A new virtual environment; what runs in it sees nothing of the checkout."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        venv.create(directory, symlinks=True)

    @property
    def site(self) -> Path:
        """Where packages are."""
        (site,) = self.directory.glob("lib/python*/site-packages")
        return site

    @property
    def plugins(self) -> Path:
        """Where Twisted keeps plugins."""
        return self.site / "twisted/plugins"

    def link(self, distribution: metadata.Distribution) -> None:
        """Have a distribution of the tests' own environment in this one, as if installed."""
        names = {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}
        for name in names:
            path, link = Path(str(distribution.locate_file(name))), self.site / name
            if link.exists():
                continue
            if name == "twisted":  # others, too, write into it
                ignored = shutil.ignore_patterns("dropin.cache")
                shutil.copytree(path, link, ignore=ignored, copy_function=os.symlink)
            else:
                link.symlink_to(path)
        for script in distribution.entry_points.select(group="console_scripts"):
            path = self.directory / "bin" / script.name
            path.write_text(SCRIPT.format(python=self.directory / "bin/python", script=script))
            path.chmod(0o755)

    def pip(self, *arguments: str) -> None:
        """Run pip, that of the tests' own environment, for this one; it must succeed."""
        python = str(self.directory / "bin/python")
        # What --python runs, after a pip of its own that only starts this one.
        command = [python, str(Path(pip.__file__).parent / "__pip-runner__.py"), "--quiet"]
        subprocess.run([*command, "--disable-pip-version-check", *arguments], check=True)

    def install(self, wheel: Path) -> None:
        """Install just this wheel, in the place of any other version of it; compile none of it."""
        self.pip("install", "--no-deps", "--no-compile", "--force-reinstall", str(wheel))

    def run(self, command: str, *arguments: str, prefix: tuple[str, ...] = ()) -> str:
        """Return what a command of the environment prints on both streams; it must succeed."""
        with self.process(command, *arguments, prefix=prefix) as process:
            assert process.wait(300) == 0, process.output
            return process.output

    def process(self, command: str, *arguments: str, prefix: tuple[str, ...] = ()) -> Process:
        """Return a running command of the environment."""
        program = str(self.directory / "bin" / command)
        return Process([*prefix, program, *arguments], {"PYTHONPATH": ""}, self.directory)


def required(requirements: Iterable[str], *extras: str) -> Iterator[metadata.Distribution]:
    """Yield what is installed here of these requirements, and of theirs."""
    for requirement in map(Requirement, requirements):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            distribution = metadata.distribution(requirement.name)
            yield distribution
            yield from required(distribution.requires or [], *requirement.extras)
