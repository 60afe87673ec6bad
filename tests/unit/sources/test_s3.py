"""An object of S3 comes whole, with AWS's own ways to credentials; AWS is moto's emulation of it, over HTTP."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from slipway.reading.files import BadFile
from slipway.sources.address import S3Address
from slipway.sources.cache import Cache
from slipway.sources.s3 import S3File
from slipway.sources.store import Store
from slipway.sources.transfer import transfer
from tests.support.moto_server import moto_server
from tests.support.weights_server import Handler, Server, weights_server
from tests.unit.sources.conftest import QUICK

DATA = bytes(range(256)) * 12_000
SHA256 = hashlib.sha256(DATA).hexdigest()
ADDRESS = S3Address("weights", "digits/v 1/model.onnx")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def s3(endpoint: str, nobody: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "SECRET")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    client = boto3.client("s3", region_name="us-east-1", endpoint_url=endpoint)
    client.create_bucket(Bucket=ADDRESS.bucket)
    client.put_object(Bucket=ADDRESS.bucket, Key=ADDRESS.key, Body=DATA)
    return client


def test_an_object_is_fetched_by_its_key(s3: Any, store: Store) -> None:
    assert store.bring(ADDRESS, SHA256).read_bytes() == DATA


def test_a_transfer_goes_on_where_it_was(s3: Any, cache: Cache) -> None:
    file = S3File(ADDRESS, QUICK)
    with cache.part(str(ADDRESS)) as part:
        with file.open(0, None) as opened:
            part.begin(opened.version, opened.total)
            part.write(next(iter(opened.blocks))[:1_000_000])
        with file.open(part.size, part.version) as opened:
            assert opened.start == 1_000_000
        transfer(file, part, QUICK, lambda _: None)
        assert part.sha256 == SHA256


def test_an_object_that_changed_meanwhile_is_fetched_anew(s3: Any, cache: Cache) -> None:
    file = S3File(ADDRESS, QUICK)
    with cache.part(str(ADDRESS)) as part:
        with file.open(0, None) as opened:
            part.begin(opened.version, opened.total)
            part.write(next(iter(opened.blocks))[:1000])
        s3.put_object(Bucket=ADDRESS.bucket, Key=ADDRESS.key, Body=DATA[::-1])
        transfer(file, part, QUICK, lambda _: None)
        assert part.sha256 == hashlib.sha256(DATA[::-1]).hexdigest()


@pytest.mark.parametrize("address", [S3Address("weights", "other.onnx"), S3Address("no-bucket", "model.onnx")])
def test_what_is_not_there_is_said_at_once(s3: Any, store: Store, address: S3Address) -> None:
    with pytest.raises(BadFile, match=f"is not there: bucket {address.bucket} has no such object"):
        store.bring(address, SHA256)


def test_a_store_that_is_away_ends_with_a_reason_that_has_no_credential(
    s3: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    with pytest.raises(BadFile, match="could not be fetched in 3 tries") as refused:
        store.bring(ADDRESS, SHA256)
    assert "SECRET" not in refused.value.problem


def test_nothing_is_asked_over_plain_http_but_on_loopback(
    s3: Any, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://192.0.2.1")
    with pytest.raises(BadFile, match="would get a credential in clear: AWS_ENDPOINT_URL_S3"):
        store.bring(ADDRESS, SHA256)


@pytest.fixture
def bad(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A store that answers as it is told to."""
    with weights_server(tmp_path, tls=False) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        yield server


def error(status: int, code: str) -> Callable[[Handler], None]:
    def answer(it: Handler) -> None:
        body = f"<Error><Code>{code}</Code><Message>of SECRET</Message></Error>".encode()
        it.send_response(status)
        it.send_header("Content-Length", str(len(body)))
        it.end_headers()
        it.wfile.write(body)

    return answer


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (403, "AccessDenied", "is refused by S3, bucket weights"),
        (400, "ExpiredToken", "is refused by S3, bucket weights: ExpiredToken"),
        (503, "SlowDown", "could not be fetched in 3 tries: S3 answers SlowDown"),
        (500, "InternalError", "could not be fetched in 3 tries: S3 answers InternalError"),
    ],
)
def test_what_s3_refuses_is_said_in_its_codes(bad: Server, store: Store, status: int, code: str, said: str) -> None:
    bad.answers["/weights/model.onnx"] = error(status, code)
    with pytest.raises(BadFile) as refused:
        store.bring(S3Address("weights", "model.onnx"), SHA256)
    assert refused.value.problem == said
    assert bool(refused.value.todo)


def test_an_answer_that_breaks_off_goes_on_where_it_was(bad: Server, store: Store) -> None:
    bad.answers["/weights/model.onnx"] = lambda it: it.send(DATA, upto=None if it.headers.get("Range") else 1_000_000)
    assert store.bring(S3Address("weights", "model.onnx"), SHA256).read_bytes() == DATA
    assert bad.ranges[0] is None
    assert bad.ranges[-1] is not None


def test_a_profile_gives_credentials(s3: Any, store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    file = tmp_path / "credentials"
    file.write_text("[models]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = SECRET\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "models")
    s3.put_object(Bucket=ADDRESS.bucket, Key="profile.onnx", Body=DATA)
    assert store.bring(S3Address(ADDRESS.bucket, "profile.onnx"), SHA256).read_bytes() == DATA
