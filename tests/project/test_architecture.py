"""The architecture page draws the packages that there are, in the order that the build enforces."""

import configparser
import re

from tests.support.planned import ROOT

PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text()


def drawn() -> list[tuple[str, ...]]:
    """The layers of the page's diagram, highest first; names on a line are siblings."""
    _, _, rest = PAGE.partition("<!-- layers of .importlinter -->")
    lines = [line for line in rest.partition("<!-- end of layers -->")[0].splitlines() if line.startswith("    ")]
    return [tuple(re.split(r" +\| +", re.split(r" {2,}", line.strip())[0])) for line in lines]


def enforced() -> list[tuple[str, ...]]:
    """The layers of .importlinter."""
    rules = configparser.ConfigParser()
    rules.read(ROOT / ".importlinter")
    lines = rules["importlinter:contract:layers"]["layers"].split("\n")
    return [tuple(re.split(r" *\| *", line.strip())) for line in lines if line.strip()]


def test_the_diagram_has_the_layers_that_are_enforced() -> None:
    assert drawn() == enforced()


def test_each_package_is_in_the_diagram() -> None:
    """Modules of the import name itself, such as cli.py, are layers too."""
    packages = {path.parent.name for path in (ROOT / "infra" / "slipway").glob("*/__init__.py")}
    there = {name.partition(".")[0] for layer in drawn() for name in layer}
    assert len(packages) > 20
    assert packages <= there


def test_each_package_says_what_it_is_for() -> None:
    for path in sorted((ROOT / "infra" / "slipway").glob("*/__init__.py")):
        assert path.read_text().startswith('"""'), path
