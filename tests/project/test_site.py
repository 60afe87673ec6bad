"""The documentation as a site: built strictly, from the repository's own lists, with nothing of it elsewhere."""

import os
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

from tests.support.planned import ROOT

LIMIT_S = 900
"""For an environment that is made from the network, and a build of 200 pages, on a busy machine."""
LOADING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "form": "action"}


def test_the_site_is_whole_and_needs_nothing_from_elsewhere(tmp_path: Path) -> None:
    """In one test, since workers of pytest would each build it."""
    site = built(tmp_path / "site")
    pages_load_nothing_from_elsewhere(site)
    styles_load_nothing_from_elsewhere(site)
    the_side_has_every_page_of_the_lists(site)
    the_search_reads_a_script(site)


def built(folder: Path) -> Path:
    """What `make site` builds; a link that leads nowhere, or a page in no list, ends it."""
    done = subprocess.run(
        ["make", "--silent", "--old-file=.venv/.synced", "site", f"SITE={folder}"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return folder


class Page(HTMLParser):
    """Notes what a page loads, and what it links to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.feed(path.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loads += [value] if (value := given.get(LOADING.get(tag, ""))) else []
        self.links += [value] if tag == "a" and (value := given.get("href")) else []


def pages_load_nothing_from_elsewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 150
    for path in pages:
        loads = Page(path).loads
        assert loads
        assert not [address for address in loads if re.match(r"(?:[a-z][a-z0-9+.-]*:|//)", address)], path
        assert all((path.parent / address.partition("?")[0]).exists() for address in loads if "#" not in address), path


def styles_load_nothing_from_elsewhere(site: Path) -> None:
    styles = sorted(site.rglob("*.css"))
    assert styles
    for path in styles:
        assert not re.search(r"url\(\s*['\"]?(?:https?:)?//|@import\s+['\"]?https?:", path.read_text()), path


def the_side_has_every_page_of_the_lists(site: Path) -> None:
    side = set(Page(site / "docs" / "README.html").links)
    named = re.findall(r"\]\(([^)#:]+)\.md\)", (ROOT / "docs" / "README.md").read_text())
    assert named
    assert {f"{name}.html" for name in named} <= side
    decisions = set(Page(site / "docs" / "adr" / "README.html").links)
    assert {f"{path.stem}.html" for path in (ROOT / "docs" / "adr").glob("0*.md")} <= decisions


def the_search_reads_a_script(site: Path) -> None:
    """What is fetched, such as JSON, a browser refuses to read beside a page that was opened as a file."""
    index = (site / "searchindex.js").read_text()
    assert index.startswith("Search.setIndex(")
    assert "docs/how-to/controls" in index
    assert "searchindex.js" in "\n".join(Page(site / "search.html").loads)
