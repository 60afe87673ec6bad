"""Servers that many tests share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The helpers beside this file are plain modules: there is no package of the name `tests` to import them from.
sys.path.insert(0, str(Path(__file__).parent))

import onnx_models
import processes


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="session")
def digits(folder: Path) -> Iterator[processes.Server]:
    """The digits model, with small limits so that they can be reached."""
    config = processes.digits_config(max_body_bytes=200_000, timeout_s=5.0)
    with processes.running(config, folder) as server:
        yield server


@pytest.fixture(scope="session")
def tabular(folder: Path) -> Iterator[processes.Server]:
    """A model with two inputs."""
    check = {
        "request": {"inputs": {"features": [[1, 2, 3]], "weight": [[2]]}},
        "expect": {"score": 12, "rank": 4},
    }
    with processes.running(processes.config_for(onnx_models.tabular(folder), check), folder) as server:
        yield server
