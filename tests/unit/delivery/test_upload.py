"""Weights are uploaded once by their digest, in parts, and never as others than were planned."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from slipway.artifacts.onnx import ArtifactFile
from slipway.delivery.client import ACCESS_KEY, SECRET_KEY
from slipway.delivery.upload import UploadFailed, upload
from slipway.delivery.ways import Stored
from slipway.environments.planning.model_store import ModelStore
from slipway.errors.images import FileChanged
from tests.support.moto_server import moto_server

DATA = bytes(range(256)) * 2**16


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def bucket(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(ACCESS_KEY, "AKIAEXAMPLE")
    monkeypatch.setenv(SECRET_KEY, "SECRET")
    found = boto3.resource(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    ).Bucket(f"models-{tmp_path.name.lower().replace('_', '-')[:40]}")
    found.create()
    return found


def stored(endpoint: str, bucket: Any, folder: Path, data: bytes = DATA) -> Stored:
    path = folder / "weights.bin"
    path.write_bytes(data)
    file = ArtifactFile("weights.bin", path, len(data), hashlib.sha256(data).hexdigest())
    store = ModelStore(bucket.name, "us-east-1", endpoint, "prod", "model-store", ())
    return Stored(store, (file,), "/model")


def told() -> tuple[list[str], Any]:
    lines: list[str] = []
    return lines, lines.append


@pytest.mark.parametrize("size", [0, 10, len(DATA)])
def test_weights_of_any_size_arrive_under_their_digest(endpoint: str, bucket: Any, tmp_path: Path, size: int) -> None:
    here = stored(endpoint, bucket, tmp_path, DATA[:size])
    upload(here, lambda _: None, lambda _: None)
    (one,) = bucket.objects.all()
    assert one.key == f"prod/sha256/{here.files[0].sha256}"
    assert one.get()["Body"].read() == DATA[:size]


def test_what_is_there_is_not_sent_again_nor_brought_to_this_machine(
    endpoint: str, bucket: Any, tmp_path: Path
) -> None:
    here = stored(endpoint, bucket, tmp_path)
    upload(here, lambda _: None, lambda _: None)
    here.files[0].path.unlink()
    lines, tell = told()
    upload(here, lambda _: pytest.fail("nothing has to be brought"), tell)
    assert lines == ["weights.bin: in the model store already"]


def test_an_object_of_another_size_is_replaced(endpoint: str, bucket: Any, tmp_path: Path) -> None:
    here = stored(endpoint, bucket, tmp_path)
    bucket.put_object(Key=f"prod/sha256/{here.files[0].sha256}", Body=b"cut off")
    upload(here, lambda _: None, lambda _: None)
    (one,) = bucket.objects.all()
    assert one.size == len(DATA)


@pytest.mark.parametrize("data", [DATA[:-1], DATA + b"x", DATA[:-1] + b"x", b"short"])
def test_a_file_that_changed_since_the_plan_leaves_nothing_in_the_store(
    endpoint: str, bucket: Any, tmp_path: Path, data: bytes
) -> None:
    here = stored(endpoint, bucket, tmp_path)
    here.files[0].path.write_bytes(data)
    with pytest.raises(FileChanged):
        upload(here, lambda _: None, lambda _: None)
    assert list(bucket.objects.all()) == []
    assert list(bucket.multipart_uploads.all()) == []


def test_a_bucket_that_is_not_there_is_named(endpoint: str, bucket: Any, tmp_path: Path) -> None:
    here = stored(endpoint, bucket, tmp_path)
    here = replace(here, store=replace(here.store, bucket="nobody-made-it"))
    with pytest.raises(UploadFailed, match=r"bucket nobody-made-it .*; nothing was deployed; next: .*bucket"):
        upload(here, lambda _: None, lambda _: None)


def test_a_store_that_does_not_answer_is_named_with_what_to_check(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slipway.delivery.client._RETRY", {"max_retries": 0})
    here = stored("http://127.0.0.1:9", bucket, tmp_path)
    with pytest.raises(UploadFailed, match="does not answer"):
        upload(here, lambda _: None, lambda _: None)
