"""How Sphinx builds the documentation: `make docs` writes it to build/docs."""

from __future__ import annotations

import ast
import gc
import inspect

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from twisted.python.reflect import namedAny

from zibrato import __version__

gc.disable()  # a third of a build's time, for what is gone a moment later

project = "Zibrato"
author = "Zibrato contributors"
project_copyright = "2012-2026, Zibrato contributors"
release = __version__

extensions = ["sphinx.ext.autodoc", "sphinx_copybutton"]
default_role = "literal"  # docstrings have code in single backticks
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
html_theme = "furo"
html_title = f"Zibrato {release}"
html_copy_source = False
copybutton_prompt_text = "$ "
nitpick_ignore_regex = [  # what signatures name that has no page here
    ("py:.*", r"(?!zibrato\b).*"),  # other packages
    ("py:.*", r"zibrato\.\w+\.\w+\.\w+"),  # private modules
]


class ZopeInterface(SphinxDirective):
    """`.. zopeinterface:: NAME` describes an interface, which autodoc takes for a mere object."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return what the interface and its members say of themselves."""
        name = self.arguments[0]
        interface = namedAny(name)
        signatures = _signatures(interface.__module__)
        lines = [f".. py:currentmodule:: {interface.__module__}", ""]
        lines += [f".. py:class:: {interface.__name__}", "", *_indented(interface.__doc__)]
        for member, about in interface.namesAndDescriptions():
            kind, signature = signatures[f"{interface.__name__}.{member}"]
            text = [f".. py:{kind}:: {member}{signature}", "", *_indented(about.__doc__)]
            lines += _indented("\n".join(text))
        return self.parse_text_to_nodes("\n".join(lines))


def _signatures(module: str) -> dict[str, tuple[str, str]]:
    """Return how the source of a module has the members of its classes: zope drops types."""
    signatures = {}
    tree = ast.parse(inspect.getsource(namedAny(module)))
    for node in (node for node in tree.body if isinstance(node, ast.ClassDef)):
        for item in node.body:
            if isinstance(item, ast.FunctionDef):
                text = (
                    f"({ast.unparse(item.args)}) -> {ast.unparse(item.returns or ast.Name('None'))}"
                )
                signatures[f"{node.name}.{item.name}"] = ("method", text)
            elif isinstance(item, ast.AnnAssign):
                signatures[f"{node.name}.{ast.unparse(item.target)}"] = ("attribute", "")
    return signatures


def _indented(text: str | None) -> list[str]:
    return [*(f"   {line}" for line in inspect.cleandoc(text or "").splitlines()), ""]


def drop_aliases(
    _app: Sphinx, _what: str, _name: str, _of: object, _options: object, lines: list[str]
) -> None:
    """Leave out what a NamedTuple says of a field that has no docstring."""
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()


def setup(app: Sphinx) -> None:
    """Register the directive and the hook."""
    app.add_directive("zopeinterface", ZopeInterface)
    app.connect("autodoc-process-docstring", drop_aliases)
