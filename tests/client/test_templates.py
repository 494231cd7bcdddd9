"""The source of wrappers. What they do is tested in the other test_decorators modules."""

from __future__ import annotations

import pytest

from zibrato.client import templates


@pytest.mark.parametrize("kind", ["COUNT", "TIME", "OUTCOME", "EXCEPTIONS", "IN_PROGRESS"])
def test_every_template_compiles_with_no_place_left_open(kind: str) -> None:
    for template in getattr(templates, kind):
        source = template.format(parameters="a, *, b=None", arguments="a, b=b")
        compile(source, kind, "exec")
        assert not any(word.isupper() for word in source.split())


def test_a_line_without_text_is_left_out() -> None:
    made = templates.templates(failed="_z_count()")
    assert not any(line.strip() == "" for line in made.function.splitlines())
    assert made.procedure.count("_z_count()") == 1
