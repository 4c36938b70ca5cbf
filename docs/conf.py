"""The Sphinx configuration: Markdown with MyST, the theme furo, and no dead references."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

project = "django-tandem"
author = "the contributors"
copyright = "the contributors. BSD-3-Clause"  # noqa: A001 - Sphinx's own name for it
# Read as text: a page needs nothing of the package, so neither does what makes it.
release = re.search(
    r'^__version__ = "(.+)"', (ROOT / "src/django_tandem/__init__.py").read_text(), re.MULTILINE
)[1]

extensions = ["myst_parser"]
# As deep as pages link to each other's headings.
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
exclude_patterns = ["generate"]
nitpicky = True
# Quotes on these pages are what somebody types.
smartquotes = False

html_theme = "furo"
html_title = f"django-tandem {release}"
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "native"
