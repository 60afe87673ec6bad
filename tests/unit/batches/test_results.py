"""What is given and what comes back: checked before anything runs, fetched whole, never mixed with another batch's."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest

from slipway.batches.errors import BatchRefused
from slipway.batches.given import Batch, read_input, read_output
from slipway.batches.results import claim, fetch, is_here
from slipway.batches.store import BatchStore
from slipway.console import Progress
from slipway.delivery.client import ACCESS_KEY, SECRET_KEY
from slipway.environments.planning.model_store import ModelStore
from tests.support.moto_server import moto_server


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as url:
        boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        ).create_bucket(Bucket="models")
        yield url


@pytest.fixture
def store(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> BatchStore:
    monkeypatch.setenv(ACCESS_KEY, "AKIAEXAMPLE")
    monkeypatch.setenv(SECRET_KEY, "SECRET")
    monkeypatch.chdir(tmp_path)
    return BatchStore(ModelStore("models", "us-east-1", endpoint, "", "model-store", ()))


def batch(store: BatchStore, target: str, parts: int = 2) -> Batch:
    Path("rows.jsonl").write_text("[1]\n[2]\n[3]\n")
    return Batch("sums", "abc", read_input("rows.jsonl", store), read_output(target, store), parts, "batch")


def test_results_come_whole_and_with_the_count_of_refused_lines(store: BatchStore) -> None:
    here = batch(store, "out")
    claim(here, store)
    assert not is_here(here)
    store.put_new(f"{here.results}/part-000000.jsonl", b'{"outputs": 1}\n{"error": "no"}\n')
    store.put_new(f"{here.results}/part-000001.jsonl", b'{"error": "no"}\n')
    store.put_new(here.done_key, b'{"rows": 3, "parts": 2}\n')
    assert store.names(here.results) == {"part-000000.jsonl", "part-000001.jsonl", "done.json"}
    with Progress() as progress:
        assert fetch(here, store, progress) == 2
    assert is_here(here)
    assert Path("out/part-000001.jsonl").read_bytes() == b'{"error": "no"}\n'
    store.delete(here.folder)
    assert store.names(here.folder) == set()
    claim(here, store)
    with pytest.raises(BatchRefused, match="has the results of another batch: it differs in parts; allowed: an empty"):
        claim(batch(store, "out", 3), store)


def test_a_place_in_the_store_belongs_to_the_batch_that_came_first(store: BatchStore) -> None:
    claim(batch(store, "s3://models/mine"), store)
    claim(batch(store, "s3://models/mine/"), store)
    with pytest.raises(BatchRefused, match="it differs in parts"):
        claim(batch(store, "s3://models/mine", 1), store)


def test_files_that_are_there_are_not_mixed_with_results(store: BatchStore) -> None:
    Path("full").mkdir()
    Path("full/of.txt").touch()
    with pytest.raises(BatchRefused, match="full: has other files; allowed: an empty folder"):
        claim(batch(store, "full"), store)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("rows.csv", "ends in '.csv'; allowed: lines of JSON"),
        ("none.npz", "none.npz: is no file; allowed: a file here, or s3://BUCKET/KEY"),
        ("s3://models/none.npz", "is not there; allowed: a file here"),
        ("s3://others/rows.npz", "is in the bucket 'others', which the pods of the environment do not reach"),
        ("s3://models/a b.npz", "has no key that can be used"),
        ("s3://models/../x.npz", "has no key that can be used"),
    ],
)
def test_an_input_that_cannot_be_one_is_refused(store: BatchStore, source: str, words: str) -> None:
    with pytest.raises(BatchRefused) as refused:
        read_input(source, store)
    assert words in str(refused.value)


def test_results_never_go_where_weights_are(store: BatchStore) -> None:
    with pytest.raises(BatchRefused, match="is where weights are"):
        read_output("s3://models/sha256/00ff", store)
    Path("file").touch()
    with pytest.raises(BatchRefused, match="is a file; allowed: a folder"):
        read_output("file", store)
