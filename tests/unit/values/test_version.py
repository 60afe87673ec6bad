"""Slipway's version is that of the distribution that installed its command."""

import importlib.metadata
import tomllib
from pathlib import Path

import pytest

from slipway.values import version as module
from slipway.values.version import UNKNOWN, version


@pytest.fixture(autouse=True)
def asked_anew() -> None:
    version.cache_clear()


def command(
    value: str, name: str, number: str, tmp_path_factory: pytest.TempPathFactory
) -> importlib.metadata.EntryPoint:
    folder = tmp_path_factory.mktemp("site") / f"{name}-{number}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {number}\n")
    (folder / "entry_points.txt").write_text(f"[console_scripts]\nslipway = {value}\n")
    (found,) = importlib.metadata.PathDistribution(folder).entry_points
    return found


def test_the_version_is_that_of_the_installed_distribution() -> None:
    assert version() != UNKNOWN


def test_another_distribution_with_a_command_of_the_name_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    there = [
        command("other:main", "other", "9.9", tmp_path_factory),
        command("slipway.cli:main", "slipway-by-another-name", "0.3.0", tmp_path_factory),
    ]
    monkeypatch.setattr(module, "entry_points", lambda **_: there)
    assert version() == "0.3.0"
    version.cache_clear()


def test_source_that_is_not_installed_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "entry_points", lambda **_: [])
    assert version() == UNKNOWN
    version.cache_clear()


def test_what_is_installed_is_what_the_checkout_says() -> None:
    """It is not where a checkout was updated and not installed again: infra/bootstrap does."""
    wanted = tomllib.loads((Path(__file__).resolve().parents[3] / "pyproject.toml").read_text())["project"]["version"]
    assert version() == wanted
