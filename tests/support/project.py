"""A project of a user, made of fixtures: models/ and stacks/ below a Pulumi.yaml."""

import shutil
from pathlib import Path

from slipway.reading.folders import Folders
from tests.support.planned import FIXTURES


def made(folder: Path, models: str = "spec/ok", settings: str = "settings/ok") -> Folders:
    """Copy fixtures into a project at `folder`, which is made; gives its folders of specs and settings."""
    shutil.copytree(FIXTURES / "repo", folder)
    shutil.copytree(FIXTURES / models, folder / "models")
    shutil.copytree(FIXTURES / settings, folder / "stacks")
    return Folders(folder / "models", folder / "stacks")
