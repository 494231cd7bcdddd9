"""Backends that are made, with the files that they claim; what fails claims none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest
from twisted.python.usage import UsageError

from tests.daemon.outbox.outboxes import FakeBackend
from tests.fake_reactor import FakeReactor
from zibrato.backends.settings import claim_path
from zibrato.daemon.backend_choices import BackendChoice, backend_makers
from zibrato.daemon.backend_making import is_served, make, makes_pages
from zibrato.daemon.series_filter import ALL
from zibrato.interfaces import BackendContext, IBackendMaker

OTHER, OWN = Path("/other"), Path("/own")


class Maker:
    """Makes backends that have a file, and fails after that if asked to."""

    name = "fake"

    def make(self, settings: Mapping[str, str], context: BackendContext) -> FakeBackend:
        """Claim the file."""
        assert context.name == "own name"
        claim_path(Path(settings["file"]), context.files)
        if "bad" in settings:
            raise ValueError("bad: expected better")
        return FakeBackend()


def choice(file: Path, **settings: str) -> BackendChoice:
    maker = cast(IBackendMaker, Maker())
    return BackendChoice(maker, {"file": str(file), **settings}, ALL, "own name", 1, 1.0)


def test_a_backend_has_the_files_that_it_claims() -> None:
    context = BackendContext(FakeReactor(), (), files={OTHER})
    assert make(choice(OWN), context).files == {OWN}
    assert context.files == {OTHER, OWN}
    assert make(choice(OTHER), context, {OTHER}).files == {OTHER}
    assert context.files == {OTHER, OWN}


def test_what_fails_has_none() -> None:
    context = BackendContext(FakeReactor(), (), files={OTHER})
    for wrong, free in (
        (choice(OTHER), ()),
        (choice(OWN, bad="1"), ()),
        (choice(OTHER, bad="1"), {OTHER}),
    ):
        with pytest.raises(UsageError, match=r"^--backend own name \(fake\): "):
            make(wrong, context, free)
        assert context.files == {OTHER}


def test_the_store_makes_the_page_and_others_none() -> None:
    makers = backend_makers()
    made = {name: makes_pages(choice(OWN)._replace(maker=makers[name])) for name in makers}
    assert [name for name, is_page in made.items() if is_page] == ["store"]
    assert not is_served(FakeBackend())
    assert not is_served(None)
