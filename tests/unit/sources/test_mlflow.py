"""A file of a registered model is looked up by MLflow's REST API, and read from where MLflow keeps it."""

import hashlib
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from slipway.reading.files import BadFile
from slipway.sources.address import MlflowAddress
from slipway.sources.store import Store
from tests.support.weights_server import Handler, Server, basic

DATA = bytes(range(256)) * 8_000
SHA256 = hashlib.sha256(DATA).hexdigest()
FILE = "/api/2.0/mlflow-artifacts/artifacts/1/models/m-7/artifacts/model.onnx"


def document(value: object) -> Callable[[Handler], None]:
    return lambda it: it.document(value)


@pytest.fixture
def mlflow(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """What an MLflow server of version 3 with --serve-artifacts answers about version 3 of `digits`."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    api = "/api/2.0/mlflow"

    def uri(it: Handler) -> None:
        asked = parse_qs(urlsplit(it.path).query)
        if asked == {"name": ["digits"], "version": ["3"]}:
            it.document({"artifact_uri": "mlflow-artifacts:/1/models/m-7/artifacts"})
        else:
            it.document({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Model Version not found"}, 404)

    server.answers[f"{api}/registered-models/alias"] = document({"model_version": {"name": "digits", "version": "3"}})
    server.answers[f"{api}/model-versions/get-download-uri"] = uri
    server.answers[FILE] = lambda it: it.send(DATA)
    return server


@pytest.mark.parametrize(
    "address", [MlflowAddress("digits", "3", None), MlflowAddress("digits", None, "champion")], ids=str
)
def test_a_version_and_an_alias_lead_to_the_file(mlflow: Server, store: Store, address: MlflowAddress) -> None:
    assert store.bring(address, SHA256).read_bytes() == DATA


def test_mlflows_own_variables_give_the_credentials(
    mlflow: Server, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "anna")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "SECRET")
    store.bring(MlflowAddress("digits", "3", None), SHA256)
    assert {sent for _, _, sent in mlflow.asked} == {basic("anna", "SECRET")}


def test_a_version_that_is_not_there_is_said(mlflow: Server, store: Store) -> None:
    with pytest.raises(BadFile, match=r"is not there: 127\.0\.0\.1:\d+ says: Model Version not found"):
        store.bring(MlflowAddress("digits", "4", None), SHA256)


@pytest.mark.parametrize(
    ("uri", "asked", "answer"),
    [
        ("runs:/r1/models/m-7/artifacts", "runs/get", {"run": {"info": {"artifact_uri": "mlflow-artifacts:/1"}}}),
        (
            "models:/m-7",
            "logged-models/m-7",
            {"model": {"info": {"artifact_uri": "mlflow-artifacts:/1/models/m-7/artifacts"}}},
        ),
    ],
)
def test_a_run_and_a_logged_model_are_followed_to_their_files(
    mlflow: Server, store: Store, uri: str, asked: str, answer: object
) -> None:
    mlflow.answers["/api/2.0/mlflow/model-versions/get-download-uri"] = document({"artifact_uri": uri})
    mlflow.answers[f"/api/2.0/mlflow/{asked}"] = document(answer)
    assert store.bring(MlflowAddress("digits", "3", None), SHA256).read_bytes() == DATA


def test_without_a_right_the_variables_are_named(mlflow: Server, store: Store) -> None:
    mlflow.answers["/api/2.0/mlflow/model-versions/get-download-uri"] = lambda it: it.status(401)
    with pytest.raises(BadFile, match="answers 401") as refused:
        store.bring(MlflowAddress("digits", "3", None), SHA256)
    assert "MLFLOW_TRACKING_TOKEN" in refused.value.todo


@pytest.mark.parametrize(
    ("kept", "said"), [("/mlruns/1/artifacts", "in a folder of the server"), ("dbfs:/models/1", "in dbfs://")]
)
def test_files_that_only_the_server_reaches_are_refused(mlflow: Server, store: Store, kept: str, said: str) -> None:
    mlflow.answers["/api/2.0/mlflow/model-versions/get-download-uri"] = document({"artifact_uri": kept})
    with pytest.raises(BadFile, match=said) as refused:
        store.bring(MlflowAddress("digits", "3", None), SHA256)
    assert "--serve-artifacts" in refused.value.todo


@pytest.mark.parametrize("value", [None, "sqlite:///mlflow.db", "databricks"])
def test_a_registry_that_is_no_server_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", value)
    with pytest.raises(BadFile, match="is on no MLflow server: MLFLOW_TRACKING_URI is"):
        store.bring(MlflowAddress("digits", "3", None), SHA256)


def test_another_server_is_not_taken_for_mlflow(mlflow: Server, store: Store) -> None:
    mlflow.answers["/api/2.0/mlflow/model-versions/get-download-uri"] = lambda it: it.send(b"<html>")
    with pytest.raises(BadFile, match="not as MLflow does"):
        store.bring(MlflowAddress("digits", "3", None), SHA256)
