"""CHANGELOG.md says of each version what it redeploys: who upgrades a fleet has to know before."""

import re
from pathlib import Path

import pytest

TEXT = (Path(__file__).resolve().parents[2] / "CHANGELOG.md").read_text()
ENTRY = re.compile(r"^- Redeploys: \S", re.MULTILINE)


def sections(text: str) -> dict[str, str]:
    """What each version says, by its heading, the newest first."""
    _, *found = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(found[::2], found[1::2], strict=True))


@pytest.mark.parametrize("version", sections(TEXT))
def test_a_version_says_what_it_redeploys(version: str) -> None:
    """`- Redeploys: nothing.`, or which models, and for what."""
    assert len(ENTRY.findall(sections(TEXT)[version])) == 1, f"{version} needs one line `- Redeploys: ...`"


def test_the_newest_version_stands_first() -> None:
    assert next(iter(sections(TEXT))) == "Unreleased" or re.match(r"\d+\.\d+\.\d+ - ", next(iter(sections(TEXT))))


def test_a_version_without_the_line_is_seen() -> None:
    (body,) = sections("# Changelog\n\n## 9.9.9\n\n- Redeployed something.\n").values()
    assert not ENTRY.findall(body)
