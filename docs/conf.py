"""How Sphinx builds the documentation: `make docs` writes it to build/docs."""

from __future__ import annotations

from zibrato import __version__

project = "Zibrato"
author = "Zibrato contributors"
project_copyright = "2012-2026, Zibrato contributors"
release = __version__

extensions = ["sphinx.ext.autodoc", "sphinx_copybutton"]
default_role = "literal"  # docstrings have code in single backticks
html_theme = "furo"
html_title = f"Zibrato {release}"
html_copy_source = False
copybutton_prompt_text = "$ "
copybutton_here_doc_delimiter = "EOF"
