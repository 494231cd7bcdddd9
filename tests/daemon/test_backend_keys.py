"""Keys of backends, which stay whichever of the same name comes or goes."""

from __future__ import annotations

from typing import cast

from zibrato.daemon.backend_choices import BackendChoice
from zibrato.daemon.backend_keys import delayed, differ, keyed
from zibrato.daemon.series_filter import ALL
from zibrato.interfaces import IBackendMaker


class Maker:
    """Of backends whose `reload` takes the setting `key`."""

    name = "fake"
    reloaded = ("key",)


MAKER = cast(IBackendMaker, Maker())


def choice(place: str, key: str = "", *, name: str = "fake") -> BackendChoice:
    """Return a backend at a place."""
    return BackendChoice(MAKER, {"place": place, "key": key}, ALL, name, 1 << 20, 60)


def test_of_one_name_the_second_has_a_number() -> None:
    a, b, c = choice("a"), choice("b"), choice("c", name="other")
    assert keyed([a, b, c], {}) == {"fake": a, "fake 2": b, "other": c}


def test_what_runs_keeps_its_key_in_another_order_and_with_another_secret() -> None:
    running = {"fake": choice("a"), "fake 2": choice("b")}
    b, new = choice("b", "mended"), choice("c")
    assert keyed([b], running) == {"fake 2": b}
    assert keyed([new, b, choice("a")], running) == {
        "fake": choice("a"),
        "fake 2": b,
        "fake 3": new,
    }


def test_what_has_changed_takes_the_place_of_one_of_its_name() -> None:
    running = {"fake": choice("a"), "fake 2": choice("b")}
    a, changed = choice("a"), choice("c")
    assert keyed([changed, a], running) == {"fake": a, "fake 2": changed}
    assert list(running) == ["fake", "fake 2"]


def test_what_is_delayed_stays_as_it_runs_but_for_what_a_reload_takes() -> None:
    running = {"fake": choice("a"), "fake 2": choice("b"), "gone": choice("c", name="gone")}
    asked = {"fake": choice("a", "mended"), "fake 2": choice("d"), "new": choice("e", name="new")}
    kept = {**running, "fake": choice("a", "mended")}
    assert delayed(running, asked) == (kept, ["new (fake)", "fake", "gone (fake)"])
    narrowed = choice("a", "mended")._replace(outbox_age=7)
    assert delayed({"fake": choice("a")}, {"fake": narrowed}) == ({"fake": asked["fake"]}, ["fake"])


def test_what_a_reload_takes_makes_no_difference() -> None:
    assert not differ(choice("a"), choice("a", "mended"))
    assert differ(choice("a"), choice("b"))
