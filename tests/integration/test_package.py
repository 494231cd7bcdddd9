"""The package as people get it: built, installed, upgraded, uninstalled, and run from there."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email.parser import BytesParser
from importlib import metadata
from pathlib import Path

import pytest

from tests.integration.librato_server import LibratoServer
from tests.integration.processes import ROOT
from tests.integration.sink import Sink
from tests.integration.virtual_environment import VirtualEnvironment, required
from zibrato import __version__
from zibrato.daemon.options import FLAGS, Options

NEXT_VERSION = "999.0"
LEFT_OUT = shutil.ignore_patterns(
    *(".git", ".venv*", ".*_cache", ".hypothesis", ".make", "__pycache__"),
    *("build", "dist", "*.egg-info"),
)
CLIENT = """
import sys
from zibrato import Zibrato
with Zibrato(sys.argv[1], linger=30) as z:
    z.count(name="calls", value=42)
"""

ALONE = (
    CLIENT
    + """
import logging
import zibrato.testing
from zibrato.integrations.logging import Handler
with Zibrato(sys.argv[1], linger=30) as z:
    logging.getLogger().addHandler(Handler(z))
    logging.error("one")
"""
)


def build(source: Path, output: Path) -> Path:
    """Build the sdist in `output`, from that the wheel, and return the latter."""
    command = [sys.executable, "-m", "build", "--no-isolation"]
    subprocess.run(
        [*command, "--outdir", str(output), str(source)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    (wheel,) = output.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout, with a plugin cache as any checkout in use has it."""
    made = tmp_path_factory.mktemp("source") / "zibrato"
    shutil.copytree(ROOT, made, ignore=LEFT_OUT)
    (made / "twisted/plugins/dropin.cache").write_bytes(b"stale")
    return made


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(source, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def next_wheel(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a later version, which differs in nothing but that: to build it takes long."""
    path = tmp_path_factory.mktemp("next-dist") / wheel.name.replace(__version__, NEXT_VERSION)
    with zipfile.ZipFile(wheel) as this, zipfile.ZipFile(path, "w") as later:
        for name in this.namelist():
            content = this.read(name)
            if name == "zibrato/__init__.py" or ".dist-info/" in name:
                content = content.replace(__version__.encode(), NEXT_VERSION.encode())
            later.writestr(name.replace(__version__, NEXT_VERSION), content)
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> VirtualEnvironment:
    """An environment with the wheel, or a later one, and what it requires."""
    made = VirtualEnvironment(tmp_path_factory.mktemp("environment"))
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"zibrato-{__version__}.dist-info/METADATA")
    for distribution in required(BytesParser().parsebytes(text).get_all("Requires-Dist", [])):
        made.link(distribution)
    made.pip("install", "--no-compile", "--no-index", str(wheel))  # it must need nothing else
    return made


@pytest.fixture
def server() -> Iterator[LibratoServer]:
    with LibratoServer() as made:
        yield made


def listed(output: str) -> bool:
    """Return whether `twistd --help` lists our command; there must be no complaint either."""
    assert "Traceback" not in output
    assert "rror" not in output
    return re.search(r"^ +zibrato +Aggregate metrics", output, re.M) is not None


def files(folder: Path) -> set[str]:
    """Return the files below a folder of the source, as paths from its root."""
    return {str(path.relative_to(folder.parent)) for path in folder.rglob("*") if path.is_file()}


def test_the_wheel_holds_the_packages_and_the_plugin(source: Path, wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    package = source / "zibrato"
    assert "zibrato/py.typed" in names
    assert names >= {f"zibrato/{path.name}" for path in package.iterdir() if path.is_file()}
    for subpackage in package.glob("*/__init__.py"):
        assert names >= {f"zibrato/{name}" for name in files(subpackage.parent)}
    others = {name for name in names if not name.startswith(("zibrato/", "zibrato-"))}
    assert others == {"twisted/plugins/zibrato_plugin.py"}  # no __init__.py, no dropin.cache


def test_the_source_package_holds_what_a_developer_needs(source: Path, wheel: Path) -> None:
    (path,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in ("benchmarks", "deploy", "docs", "examples", "tests", "zibrato"):
        assert names >= files(source / folder)
    assert names >= {"LICENSE", "Makefile", "README.rst", "setup.py", "zibrato.tac"}
    assert names >= {"twisted/plugins/zibrato_plugin.py"}
    assert not any(name.endswith(("dropin.cache", ".pyc")) for name in names)


def test_twistd_lists_the_plugin(installed: VirtualEnvironment) -> None:
    assert listed(installed.run("twistd", "--help"))


def test_the_help_has_every_option_with_its_default(installed: VirtualEnvironment) -> None:
    text = " ".join(installed.run("twistd", "zibrato", "--help").split())
    options = Options({})
    for name in options:
        assert f"--{name}{'' if name in FLAGS else '='}" in text
    for name, default in options.items():
        if default:
            assert re.search(rf"--{name}= [^\[]*\[default: {re.escape(default)}\]", text)
    for name in ("socket", "backend"):
        assert re.search(rf"--{name}= [^\[]*\[default: ", text)


def test_the_plugin_runs_from_there(
    installed: VirtualEnvironment, server: LibratoServer, tmp_path: Path
) -> None:
    endpoint = f"ipc://{tmp_path}/socket"
    options = (
        *("--username", server.username, "--apikey", server.apikey),
        *("--hostname", server.url, "--socket", endpoint),
    )
    with installed.process("twistd", "-n", "--pidfile=", "zibrato", *options) as process:
        process.wait_for("listening on")
        installed.run("python", "-c", CLIENT, endpoint)
        process.stop()
    assert server.total("calls") == 42
    where = installed.run("python", "-c", "import zibrato; print(zibrato.__file__)")
    assert where.startswith(str(installed.directory))


def test_a_client_alone_needs_two_packages(wheel: Path, tmp_path: Path) -> None:
    alone = VirtualEnvironment(tmp_path / "environment")
    alone.install(wheel)
    for distribution in ("pyzmq", "msgspec"):
        alone.link(metadata.distribution(distribution))
    packages = {path.name.partition("-")[0].partition(".")[0] for path in alone.site.iterdir()}
    assert packages <= {"zibrato", "zmq", "pyzmq", "msgspec", "twisted", "pip", "setuptools"}
    sink = Sink(f"ipc://{tmp_path}/socket")
    alone.run("python", "-c", ALONE, sink.endpoint)
    alone.run("zibrato", "send", "counter", "calls", "2", "--socket", sink.endpoint)
    sink.wait_for("calls", 2)
    sink.close()
    assert (sink.sums["calls"], sink.counts["log.records"]) == (44, 1)


def test_what_is_uninstalled_upgraded_or_reinstalled_shows(
    installed: VirtualEnvironment, wheel: Path, next_wheel: Path
) -> None:
    """Twisted's plugin cache is of before each time, also where it can not be written."""
    assert listed(installed.run("twistd", "--help"))
    installed.pip("uninstall", "--yes", "zibrato")
    try:
        check_read_only(installed, expected=False)
        assert not listed(installed.run("twistd", "--help"))
        assert not list(installed.directory.rglob("zibrato*"))
        installed.install(wheel)
        check_read_only(installed, expected=True)
    finally:
        installed.install(next_wheel)
    check_version(installed, NEXT_VERSION)
    installed.install(next_wheel)
    check_version(installed, NEXT_VERSION)


def check_version(installed: VirtualEnvironment, version: str) -> None:
    """Check that twistd knows the plugin, and that it is this version."""
    assert installed.run("twistd", "zibrato", "--version").strip() == f"zibrato {version}"


def check_read_only(installed: VirtualEnvironment, expected: bool) -> None:
    """Check what `twistd --help` lists where Twisted may not write to its plugins' folder."""
    cache = installed.plugins / "dropin.cache"
    before = cache.read_bytes()
    paths = (cache, installed.plugins)
    modes = [path.stat().st_mode for path in paths]
    for path, mode in zip(paths, modes, strict=True):
        path.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        assert listed(installed.run("twistd", "--help", prefix=unprivileged())) is expected
        assert cache.read_bytes() == before
    finally:
        for path, mode in zip(paths, modes, strict=True):
            path.chmod(mode)


def unprivileged() -> tuple[str, ...]:
    """Return what makes root mind permissions, as the prefix of a command."""
    return ("setpriv", "--bounding-set=-dac_override") if os.geteuid() == 0 else ()
