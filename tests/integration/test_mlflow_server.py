"""Weights of a registered model come from a real MLflow server, on SQLite; what serves is noted there."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from slipway.deploy.models import ModelResult
from slipway.reading.files import BadFile
from slipway.settings.mlflow import Mlflow
from slipway.sources.address import MlflowAddress, parse_address
from slipway.sources.cache import Cache
from slipway.sources.store import Store
from slipway.spec.artifact.source import ArtifactSource
from slipway.versions.write_back import WriteBack
from tests.support.looking import until
from tests.support.planned import fixture_plan
from tests.support.releases import planned, release_of

pytestmark = pytest.mark.integration

MLFLOW = "mlflow-skinny==3.17.2"
"""With what its server needs; `mlflow` itself brings three times as much, libraries to train models with."""
SERVER = (
    "aiohttp==3.14.5", "alembic==1.20.1", "fastapi==0.165.0", "flask==3.1.3", "flask-cors==6.0.5", "graphene==3.4.3",
    "huey==3.5.4", "pandas==3.1.1", "sqlalchemy==2.1.9", "sqlparse==0.6.1", "uvicorn==0.54.0",
)  # fmt: skip
DATA = bytes(range(256)) * 8_000
DIGEST = sha256(DATA).hexdigest()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mlflow")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    needs = [option for package in SERVER for option in ("--with", package)]
    command = [sys.executable, "-m", "uv", "tool", "run", "--quiet", "--from", MLFLOW, *needs, "mlflow", "server"]
    where = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", f"{folder}/artifacts"]
    options = ["--serve-artifacts", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    address = f"http://127.0.0.1:{port}"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*command, *where, *options], stdout=log, stderr=log, env=os.environ | quiet, start_new_session=True
        )
    try:
        until("MLflow answers", lambda: healthy(address), 180)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def healthy(address: str) -> bool:
    try:
        return requests.get(f"{address}/health", timeout=5).ok
    except requests.RequestException:
        return False


def ask(url: str, method: str, what: str, value: object) -> Any:
    answer = requests.request(method, f"{url}/api/2.0/mlflow/{what}", json=value, timeout=30)
    assert answer.ok, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def version(url: str) -> str:
    """A version of `digits`, the champion, made of a file that a run logged."""
    experiment = ask(url, "POST", "experiments/create", {"name": "digits"})["experiment_id"]
    run = ask(url, "POST", "runs/create", {"experiment_id": experiment})["run"]["info"]
    folder = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
    upload = f"{url}/api/2.0/mlflow-artifacts/artifacts/{folder}/model/model.onnx"
    assert requests.put(upload, data=DATA, timeout=30).ok
    ask(url, "POST", "registered-models/create", {"name": "digits"})
    made = {"name": "digits", "source": f"runs:/{run['run_id']}/model", "run_id": run["run_id"]}
    number = str(ask(url, "POST", "model-versions/create", made)["model_version"]["version"])
    ask(url, "POST", "registered-models/alias", {"name": "digits", "alias": "champion", "version": number})
    return number


@pytest.fixture
def store(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
    return Store(Cache(tmp_path))


def test_a_version_and_its_alias_lead_to_the_file_that_a_run_logged(store: Store, version: str, tmp_path: Path) -> None:
    assert store.bring(MlflowAddress("digits", version, None), DIGEST).read_bytes() == DATA
    again = Store(Cache(tmp_path / "again"))
    assert again.bring(parse_address("mlflow://digits@champion"), DIGEST).read_bytes() == DATA


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("mlflow://digits/7", "version=7"),
        ("mlflow://letters/1", "name=letters"),
        ("mlflow://digits@nobody", "alias nobody not found"),
    ],
)
def test_what_is_not_there_is_said_in_mlflows_words(store: Store, version: str, address: str, said: str) -> None:
    with pytest.raises(BadFile, match="is not there") as refused:
        store.bring(parse_address(address), DIGEST)
    assert said in refused.value.problem


def test_a_file_that_the_version_does_not_have_is_said(store: Store, version: str) -> None:
    with pytest.raises(BadFile, match="answers 404"):
        store.bring(parse_address(f"mlflow://digits/{version}#other.onnx"), DIGEST)


@dataclass(frozen=True)
class Deployed:
    """A model whose weights come from MLflow, as it was deployed to `local`."""

    source: str
    said: list[str] = field(default_factory=list)
    sha256: str = DIGEST

    def write_back(self) -> None:
        model = planned()
        artifact = ArtifactSource.model_validate({"source": self.source, "sha256": self.sha256})
        model = replace(model, spec=model.spec.model_copy(update={"artifact": artifact}))
        settings = fixture_plan("local").settings.model_copy(update={"mlflow": Mlflow(write_back=True)})
        back = WriteBack("local", settings, self.said.append)
        back.deployed(model, ModelResult(model.name, model.version, kept=release_of(model)))


@pytest.mark.parametrize("by", ["version", "alias"])
def test_what_serves_is_noted_as_tag_and_alias_on_the_version_that_its_weights_come_from(
    store: Store, url: str, version: str, by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = planned()
    deployed = Deployed(f"mlflow://digits/{version}" if by == "version" else "mlflow://digits@champion")
    deployed.write_back()
    assert deployed.said == [f"{model.name}: noted on version {version} of digits in MLflow"]
    api = f"{url}/api/2.0/mlflow"
    found = requests.get(f"{api}/registered-models/alias", {"name": "digits", "alias": "slipway-local"}, timeout=30)
    noted = found.json()["model_version"]
    assert noted["version"] == version
    assert noted["tags"] == [{"key": "slipway.local", "value": f"{model.version} release {model.release}"}]


def test_an_alias_that_moved_and_a_server_that_is_away_are_a_warning(
    store: Store, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    moved = Deployed("mlflow://digits@champion", sha256="0" * 64)
    moved.write_back()
    assert f"means version {version} now, which has other weights" in moved.said[0]
    assert moved.said[0].endswith("next: name the version in artifact.source, as mlflow://NAME/VERSION")
    missing = Deployed("mlflow://digits/77")
    missing.write_back()
    assert missing.said[0].startswith("warning: ")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    away = Deployed(f"mlflow://digits/{version}")
    away.write_back()
    assert "refuses the connection" in away.said[0] and "the model is not touched by that" in away.said[0]
