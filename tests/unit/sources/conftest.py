"""A bad web server, a cache of its own, and no credentials but those that a test gives."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.sources.cache import Cache
from slipway.sources.store import Store
from slipway.sources.transfer import Limits
from tests.support.weights_server import Server, weights_server

QUICK = Limits(connect_s=5, silence_s=0.5, window_s=0.4, window_bytes=1000, tries=3, pause_s=0.01)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with weights_server(tmp_path) as server:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.certificate))
        yield server


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without proxies, and as somebody whose home is empty."""
    for name in os.environ:
        if name.upper().startswith(("AWS_", "HF_", "MLFLOW_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "home"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def store(cache: Cache, told: list[str]) -> Store:
    return Store(cache, lambda _, text: told.append(text), QUICK)
