"""Graphite's carbon and whisper of PyPI, unmodified: what is received, and read back."""

from __future__ import annotations

import fcntl
import importlib.util
import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import pytest

from tests.integration.processes import Process, eventually
from tests.integration.registry import install

PACKAGES = ("carbon==1.1.10", "whisper==1.1.10", "cachetools", "six", "txAMQP", "urllib3")
"""What carbon imports beside Twisted, which is that of the tests."""
OLD_PROTOBUF = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
"""What carbon has of protobuf was generated for versions before 4."""
SCHEMAS = """[all]
pattern = .*
retentions = 1s:10m
"""
AGGREGATION = """[sums]
pattern = \\.(count|sum)(;|$)
aggregationMethod = sum
"""
CONFIG = """[cache]
STORAGE_DIR = {directory}
LOCAL_DATA_DIR = {directory}/whisper
LOG_DIR = {directory}
LINE_RECEIVER_INTERFACE = 127.0.0.1
LINE_RECEIVER_PORT = {plain}
PICKLE_RECEIVER_INTERFACE = 127.0.0.1
PICKLE_RECEIVER_PORT = {pickle}
CACHE_QUERY_INTERFACE = 127.0.0.1
CACHE_QUERY_PORT = 0
ENABLE_TAGS = False
MAX_CREATES_PER_MINUTE = inf
MAX_UPDATES_PER_SECOND = inf
CARBON_METRIC_INTERVAL = 0
"""


def installed(config: pytest.Config) -> Path:
    """Return where carbon is, in a directory of pytest's cache; skip where it can't be."""
    directory: Path = config.cache.mkdir("carbon")
    with open(directory / "lock", "w") as lock:  # two modules of tests may want it at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        _install(directory)
    return directory


def _install(directory: Path) -> None:
    if not (directory / "done").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
        command = [*pip, "--disable-pip-version-check", "--target", str(directory), *PACKAGES]
        install("carbon", command)
        (directory / "done").touch()


class Carbon:
    """A carbon-cache on two ports, which a restart keeps, with files of a value a second."""

    def __init__(self, modules: Path, directory: Path, plain: int, pickle: int) -> None:
        self.ports = {"plain": plain, "pickle": pickle}
        self._modules = modules
        self._directory = directory
        config = CONFIG.format(directory=directory, plain=plain, pickle=pickle)
        for name, text in (
            ("carbon", config), ("storage-schemas", SCHEMAS), ("storage-aggregation", AGGREGATION)
        ):  # fmt: skip
            (directory / f"{name}.conf").write_text(text)
        self._whisper = _module("whisper", modules / "whisper.py")

    def start(self) -> Process:
        """Return its process, once it listens."""
        script = str(self._modules / "bin/carbon-cache.py")
        options = (f"--config={self._directory}/carbon.conf", "--nodaemon", "--debug", "start")
        for file in self._directory.glob("*.pid"):
            file.unlink()
        process = Process(
            [sys.executable, script, *options],
            {"PYTHONPATH": str(self._modules), **OLD_PROTOBUF},
            self._directory,
        )
        process.wait_for(f"starting on {self.ports['pickle']}")
        return process

    def values(self, path: str) -> list[float]:
        """Return the values that are in the file of a tagged path, in order of their times."""
        digest = sha256(path.encode()).hexdigest()
        file = self._directory / "whisper/_tagged" / digest[:3] / digest[3:6] / f"{digest}.wsp"
        if not file.exists():
            return []
        try:
            _, values = self._whisper.fetch(str(file), 0)
        except self._whisper.CorruptWhisperFile:  # of which carbon has yet to write the header
            return []
        return [value for value in values if value is not None]

    def total(self, path: str) -> float:
        """Return the sum of all values of a tagged path."""
        return sum(self.values(path))

    def wait_for(self, path: str, total: float) -> None:
        """Return once a path has come to so much."""
        eventually(lambda: self.values(path) and self.total(path) >= total)
        assert self.total(path) == total


def _module(name: str, path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
