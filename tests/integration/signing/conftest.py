"""The real cosign, built once into the cache of tools, with two pairs of keys."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from slipway.local.build import cosign as build

PASSWORD = "a password of tests"


@dataclass(frozen=True)
class Keys:
    """A pair of keys, as files outside of any project."""

    private: Path
    public: Path


@pytest.fixture(scope="session")
def cosign() -> Path:
    return build.built(print)


@pytest.fixture(scope="session")
def variables(cosign: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of a process that finds this cosign, and has no home with keys or credentials of others."""
    home = tmp_path_factory.mktemp("home")
    return {"PATH": f"{cosign.parent}:{os.environ['PATH']}", "HOME": str(home), "COSIGN_PASSWORD": PASSWORD}


def _pair(cosign: Path, variables: dict[str, str], folder: Path) -> Keys:
    command = [str(cosign), "generate-key-pair", "--output-key-prefix", str(folder / "cosign")]
    subprocess.run(command, env=variables, check=True, capture_output=True, timeout=60)
    return Keys(folder / "cosign.key", folder / "cosign.pub")


@pytest.fixture(scope="session")
def ours(cosign: Path, variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return _pair(cosign, variables, tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="session")
def theirs(cosign: Path, variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return _pair(cosign, variables, tmp_path_factory.mktemp("theirs"))
