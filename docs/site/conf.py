"""Build the documentation as a site with Sphinx (`make site`): the pages as they are, in the order of their lists."""

import re
from typing import Any

project = "Slipway"
root_doc = "docs/README"
include_patterns = [
    "docs/*.md",
    "docs/**/*.md",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "examples/README.md",
]
exclude_patterns = ["docs/site"]
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_heading_anchors = 4
html_theme = "alabaster"
html_theme_options = {"fixed_sidebar": True, "font_family": "system-ui, sans-serif", "show_powered_by": False}
html_copy_source = False
html_show_sphinx = False

_CONTENTS = ("docs/README", "docs/adr/README")
_PROJECT = ["../README.md", "../examples/README.md", "../CHANGELOG.md", "../CONTRIBUTING.md", "../SECURITY.md"]
_LINK = re.compile(r"\]\(([^)#:]+\.md)\)")
_SECTION = re.compile(r"^\*\*(\w[\w-]*)\*\*", re.MULTILINE)


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", _add_contents)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add_contents(_: Any, name: str, source: list[str]) -> None:
    """Give the side of the site what the lists of pages have, in their order and under their headings."""
    if name not in _CONTENTS:
        return
    parts = _SECTION.split(source[0])
    captions = [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]
    source[0] += "".join(_toctree(caption, list(dict.fromkeys(_LINK.findall(text)))) for caption, text in captions)
    if name == root_doc:
        source[0] += _toctree("Project", _PROJECT)


def _toctree(caption: str, pages: list[str]) -> str:
    options = [f":caption: {caption}"] if caption else []
    lines = ["", "", "```{toctree}", *options, ":maxdepth: 1", ":hidden:", "", *pages, "```", ""]
    return "\n".join(lines) if pages else ""
