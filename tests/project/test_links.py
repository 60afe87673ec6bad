"""Every relative link of the documentation leads somewhere: its file exists, and so does its heading."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.planned import ROOT

_FENCE = re.compile(r"^( *)(```|~~~).*?^\1\2\s*$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
_PATH = re.compile(r"(?<![\w/])docs/(?:[\w.-]+/)*[\w.-]+\.(?:md|json)\b")
_ELSEWHERE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_NOT_OURS = {".venv", ".git", "node_modules", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache"}

PAGES = sorted(
    path.relative_to(ROOT)
    for path in ROOT.rglob("*.md")
    if not _NOT_OURS & set(path.relative_to(ROOT).parts) and "templates" not in path.relative_to(ROOT).parts
)
"""Pages of the repository; the fragments in templates/ are read where they are generated to."""


def links(text: str) -> list[str]:
    """The targets of a page's links, outside of code."""
    return _LINK.findall(_CODE.sub("", _FENCE.sub("", text)))


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors that GitHub gives a page's headings."""
    found: list[str] = []
    for title in re.findall(r"^#{1,6} +(.+?) *#*$", _FENCE.sub("", path.read_text()), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).replace("`", "")
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        same = sum(other == anchor or re.fullmatch(rf"{re.escape(anchor)}-\d+", other) is not None for other in found)
        found.append(f"{anchor}-{same}" if same else anchor)
    return frozenset(found)


def broken(page: Path, text: str) -> list[str]:
    """The links of `text`, as the page at `page`, that lead nowhere."""
    found = []
    for target in links(text):
        if _ELSEWHERE.match(target):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and (path.suffix != ".md" or anchor not in anchors(path))):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    assert broken(ROOT / page, (ROOT / page).read_text()) == []


def test_a_link_to_nowhere_is_found() -> None:
    page = ROOT / "README.md"
    text = (
        "[a](docs/none.md) [b](#no-such-heading) [c](https://example.com) `[d](no)`\n```\n[e](no)\n```\n[f](LICENSE#x)"
    )
    assert broken(page, text) == ["docs/none.md", "#no-such-heading", "LICENSE#x"]


@pytest.mark.parametrize(
    "path",
    [
        path
        for folder in ("infra", "tests", "templates", "policy", "docs")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in {".py", ".md", ".j2", ".yaml", ".txt"} and not _NOT_OURS & set(path.relative_to(ROOT).parts)
        if path.is_file() and path.name != Path(__file__).name and _PATH.search(path.read_text(errors="ignore"))
    ],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_page_that_a_file_names_exists(path: Path) -> None:
    """Messages, comments and help name pages as plain text."""
    text = re.sub(r"\S*https?://\S+|github\.com/\S+, docs/\S+|ONNX'?s? docs/\S+", "", path.read_text(errors="ignore"))
    assert [name for name in _PATH.findall(text) if not (ROOT / name).exists()] == []


def test_the_index_names_every_page() -> None:
    """docs/README.md leads to each page below docs/; decisions have an index of their own."""
    index = ROOT / "docs" / "README.md"
    named = {(index.parent / target.partition("#")[0]).resolve() for target in links(index.read_text())}
    pages = {ROOT / page for page in PAGES if page.parts[0] == "docs" and page.parts[1] != "adr"} - {index}
    assert pages - named == set()
