"""The architecture page draws the packages that there are, in the order that the build enforces."""

import configparser
import re

import pytest

from tests.support.planned import ROOT

PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text()
DIAGRAMS = [
    ("layers of .importlinter", "layers"),
    ("layers of the agent", "edge-layers"),
    ("layers of the judge", "judge-layers"),
    ("layers of the keys service", "keys-layers"),
    ("layers of the model server", "server-layers"),
]
"""The comment above each diagram, and the contract that it shows."""


def drawn(comment: str) -> list[tuple[str, ...]]:
    """The layers of a diagram of the page, highest first; names on a line are siblings."""
    _, _, rest = PAGE.partition(f"<!-- {comment} -->")
    lines = [line for line in rest.partition("<!-- end of layers -->")[0].splitlines() if line.startswith("    ")]
    return [tuple(re.split(r" +\| +", re.split(r" {2,}", line.strip())[0])) for line in lines]


def enforced(contract: str) -> list[tuple[str, ...]]:
    """The layers of .importlinter."""
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter")
    lines = rules[f"importlinter:contract:{contract}"]["layers"].split("\n")
    return [tuple(re.split(r" *\| *", line.strip())) for line in lines if line.strip()]


@pytest.mark.parametrize(("comment", "contract"), DIAGRAMS)
def test_a_diagram_has_the_layers_that_are_enforced(comment: str, contract: str) -> None:
    assert len(drawn(comment)) > 5
    assert drawn(comment) == enforced(contract)


PACKAGES = [
    ("layers of .importlinter", "infra/slipway", 20),
    ("layers of the agent", "edge/src/slipway_edge", 6),
    ("layers of the judge", "judge/src/slipway_judge", 6),
    ("layers of the keys service", "keys/src/slipway_keys", 6),
    ("layers of the model server", "server/src/slipway_server", 6),
]


@pytest.mark.parametrize(("comment", "folder", "least"), PACKAGES)
def test_each_package_is_in_its_diagram(comment: str, folder: str, least: int) -> None:
    """Modules of the import name itself, such as by_hand.py, are layers too."""
    packages = {path.parent.name for path in (ROOT / folder).glob("*/__init__.py")}
    there = {name.partition(".")[0] for layer in drawn(comment) for name in layer}
    assert len(packages) > least
    assert packages <= there


def test_each_package_says_what_it_is_for() -> None:
    folders = (ROOT / folder for _, folder, _ in PACKAGES)
    for path in sorted(path for folder in folders for path in folder.glob("*/__init__.py")):
        assert path.read_text().startswith('"""'), path
