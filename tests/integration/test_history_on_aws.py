"""The history in the bucket of Pulumi's state, by the URL that Pulumi takes. The bucket is moto's, none of AWS."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from slipway.history.backend import open_backend
from slipway.history.errors import HistoryUnread, HistoryUnwritten
from slipway.history.notes import Notes
from slipway.history.store import Store
from slipway.history.verify import verify
from tests.support.histories import entry

BUCKET = "slipway-state-123456789012"
REGION = "eu-central-1"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def address(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """An account with an empty bucket; nothing here reaches AWS."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-nobody")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    requests.post(f"http://{moto}/moto-api/reset", timeout=10).raise_for_status()
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=f"http://{moto}")
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return moto


def keys(address: str) -> list[str]:
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=f"http://{address}")
    return [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


@pytest.mark.parametrize(
    "query",
    [
        "region={region}&endpoint=http://{address}&s3ForcePathStyle=true&awssdk=v2",
        "region={region}&endpoint={address}&s3ForcePathStyle=true&disableSSL=true",
        "region={region}&endpoint=http://{address}&use_path_style=true&hostname_immutable=true&awssdk=v2",
        "region={region}&endpoint={address}&use_path_style=true&disable_https=true&ssetype=AES256",
    ],
)
def test_the_query_of_the_url_is_understood_as_pulumi_does(address: str, query: str) -> None:
    store = Store(open_backend(f"s3://{BUCKET}?{query.format(region=REGION, address=address)}"))
    one = entry(1, "1.0.0")
    store.write(one)
    assert keys(address) == [f"slipway-history/local/digits/{one.id}.json"]
    assert list(store.entries("local", "digits")) == [one]
    assert store.models("local") == ["digits"]


def test_the_variables_of_aws_name_region_and_endpoint_where_the_url_does_not(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{address}")
    one = entry(1, "1.0.0")
    Store(open_backend(f"s3://{BUCKET}?s3ForcePathStyle=true")).write(one)
    assert keys(address) == [f"slipway-history/local/digits/{one.id}.json"]


def test_an_entry_is_made_only_where_there_is_none_and_comes_newest_first(address: str) -> None:
    query = f"region={REGION}&endpoint=http://{address}&s3ForcePathStyle=true"
    store = Store(open_backend(f"s3://{BUCKET}/of/a/team?{query}"))
    first, second = entry(1, "1.0.0"), entry(2, "2.0.0")
    for one in (first, second):
        store.write(one)
    with pytest.raises(HistoryUnwritten, match="it is there already"):
        store.write(first.model_copy(update={"version": "6.6.6"}))
    assert [one.version for one in store.entries("local", "digits")] == ["2.0.0", "1.0.0"]
    assert keys(address)[0] == f"of/a/team/slipway-history/local/digits/{first.id}.json"


def test_runs_that_note_at_once_have_numbers_of_their_own_and_the_trail_verifies(address: str) -> None:
    url = f"s3://{BUCKET}/of/a/team?region={REGION}&endpoint=http://{address}&s3ForcePathStyle=true"

    def run(name: str) -> None:
        notes = Notes("local", Path(), pytest.fail, {"PULUMI_BACKEND_URL": url})
        for number in range(5):
            notes.event("key create", f"{name}{number}")
            notes.trail.add_entry(entry(number, "1.0.0", model=name))

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, ("a", "b", "c")))
    notes = Notes("local", Path(), pytest.fail, {"PULUMI_BACKEND_URL": url})
    found = verify(notes.trail, notes.store, "local")
    assert (found.records, found.findings, found.pending) == (31, (), None)
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=f"http://{address}")
    s3.delete_object(Bucket=BUCKET, Key="of/a/team/slipway-audit/local/0000000007.json")
    assert "0000000007.json: record 7 was removed" in "\n".join(verify(notes.trail, notes.store, "local").findings)


def test_a_bucket_that_is_not_there_is_named_with_what_to_do(address: str) -> None:
    query = f"region={REGION}&endpoint=http://{address}&s3ForcePathStyle=true"
    store = Store(open_backend(f"s3://another?{query}"))
    with pytest.raises(HistoryUnwritten, match=r"s3://another/slipway-history/local/digits/.*next: "):
        store.write(entry(1, "1.0.0"))
    with pytest.raises(HistoryUnread, match=r"s3://another/slipway-history/local"):
        store.ids("local", "digits")


def test_the_profile_of_the_url_is_the_one_that_signs(
    address: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    file = tmp_path_factory.mktemp("aws") / "credentials"
    file.write_text("[states]\naws_access_key_id = states-key\naws_secret_access_key = of-nobody\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    query = f"region={REGION}&endpoint=http://{address}&s3ForcePathStyle=true&profile=states"
    backend = open_backend(f"s3://{BUCKET}?{query}")
    provider: Any = backend.store.credential_provider  # type: ignore[union-attr]
    assert provider()["access_key_id"] == "states-key"
    one = entry(1, "1.0.0")
    Store(backend).write(one)
    assert Store(backend).read("local", "digits", one.id) == one
