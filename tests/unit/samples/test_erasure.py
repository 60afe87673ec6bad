"""Samples of subjects in a real client's bucket with versions: found, read, erased; nothing of the erased is left."""

import base64
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
from click.testing import CliRunner, Result
from slipway_server.capture.keyring import Keyring
from slipway_server.capture.sealing import digest_of, private_key
from slipway_server.capture.store import S3Store
from slipway_server.capture.writing import Kept, Writer
from slipway_server.values.capture import StoreSection

from slipway.cli import cli
from slipway.cluster.gateway_secrets import GatewaySecrets
from slipway.environments.planning.model_store import ModelStore
from slipway.environments.running.kubernetes import KubernetesRunning
from slipway.samples.bucket import Bucket
from slipway.samples.erase import erase
from slipway.samples.errors import NotErased, SamplesUnread
from slipway.samples.found import folder
from slipway.values import names
from tests.support.fake_cluster import FakeCluster
from tests.support.moto_server import moto_server
from tests.support.planned import FIXTURES

SETTINGS = str(FIXTURES / "capture/settings")
PREFIX = "slipway/_capture"
SECRET_TEXT = "the patient's own words"
Command = Callable[..., Result]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def client(endpoint: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of a bucket of the test's own, with versions."""
    monkeypatch.setenv("SLIPWAY_MODEL_STORE_ACCESS_KEY_ID", "deployer")
    monkeypatch.setenv("SLIPWAY_MODEL_STORE_SECRET_ACCESS_KEY", "of-the-deployer")
    made = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    made.create_bucket(Bucket=_bucket_name(request))
    made.put_bucket_versioning(Bucket=_bucket_name(request), VersioningConfiguration={"Status": "Enabled"})
    return made


def _bucket_name(request: pytest.FixtureRequest) -> str:
    return str(request.node.name).split("[")[0].replace("_", "-")[-60:].strip("-")


@pytest.fixture
def store(endpoint: str, request: pytest.FixtureRequest, client: Any) -> ModelStore:
    return ModelStore(_bucket_name(request), "us-east-1", endpoint, "slipway", None, (), samples=PREFIX)


@pytest.fixture
def cluster() -> FakeCluster:
    cluster = FakeCluster()
    GatewaySecrets(cluster, "kept", lambda _: None).ensure_capture()
    return cluster


@pytest.fixture
def pod(store: ModelStore, cluster: FakeCluster, tmp_path: Path) -> Callable[..., None]:
    """Stores a batch as a pod does, with what a pod has: the public key and the digest key."""
    section = StoreSection(
        bucket=store.bucket, region=store.region, endpoint=store.endpoint, prefix=f"{PREFIX}/7d/digits"
    )
    for name, value in _secret(cluster, names.CAPTURE_SEALING).items():
        (tmp_path / name).write_bytes(value)
    (tmp_path / "AWS_ACCESS_KEY_ID").write_text("pods")
    (tmp_path / "AWS_SECRET_ACCESS_KEY").write_text("of-pods")
    counted: dict[str, int] = {}

    def write(*subjects: str | None) -> None:
        ring = Keyring.of(tmp_path, lambda: 0.0)
        writer = Writer(
            ring,
            S3Store(section, tmp_path),
            section.prefix,
            {"model": "digits", "version": "1.0.0", "release": "01"},
            lambda result, many: counted.update({result: counted.get(result, 0) + many}),
        )
        text = np.array([SECRET_TEXT], np.object_)
        writer.write([Kept(1_790_000_000.0, one, {"text": text}, {"label": np.array([1])}, 100) for one in subjects])
        assert set(counted) == {"stored"}

    return write


def _secret(cluster: FakeCluster, name: str) -> dict[str, bytes]:
    found = cluster.read("Secret", name)
    assert found is not None
    return {key: base64.b64decode(value) for key, value in found["data"].items()}


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, cluster: FakeCluster, store: ModelStore, tmp_path: Path) -> Command:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    monkeypatch.setattr(KubernetesRunning, "connect", lambda _: cluster)
    settings = tmp_path / "settings"
    settings.mkdir()
    text = (Path(SETTINGS) / "Pulumi.kept.yaml").read_text()
    text = text.replace("http://10.1.2.3:9000", str(store.endpoint)).replace(
        "bucket: models", f"bucket: {store.bucket}"
    )
    (settings / "Pulumi.kept.yaml").write_text(text)

    def run(name: str, *arguments: str) -> Result:
        return CliRunner().invoke(cli, [name, "kept", *arguments, "--settings", str(settings)])

    return run


def everything(client: Any, store: ModelStore) -> list[tuple[str, bytes]]:
    """Every version of every object, and its content."""
    answer = client.list_object_versions(Bucket=store.bucket)
    return [
        (
            one["Key"],
            client.get_object(Bucket=store.bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read(),
        )
        for one in answer.get("Versions", [])
    ]


def test_after_an_erasure_nothing_of_the_subject_is_there_and_others_are_as_before(
    pod: Callable[..., None], command: Command, client: Any, store: ModelStore, cluster: FakeCluster, tmp_path: Path
) -> None:
    pod("anna@example.com", "anna@example.com")
    pod("anna@example.com", "bert@example.com", None)
    pod("bert@example.com")
    digest = digest_of("anna@example.com", _secret(cluster, names.CAPTURE_KEYS)["digest.key"])
    # Somebody overwrote and deleted a key: its older version would still open the samples.
    (key, *_) = [name for name, _ in everything(client, store) if digest in name]
    client.put_object(Bucket=store.bucket, Key=key, Body=b"other")
    client.delete_object(Bucket=store.bucket, Key=key)

    done = command("erase", "--subject", "anna@example.com", "--yes", "--json")

    assert done.exit_code == 0, done.output
    proof = json.loads(done.stdout)
    assert proof["subject"] == digest
    assert (proof["keys_destroyed"], proof["batches_deleted"], proof["unreadable"]) == (4, 1, 1)
    assert (proof["keys_seen"], proof["batches_seen"]) == (7, 3)
    assert proof["gone_by"]
    left = everything(client, store)
    assert not any(digest in name for name, _ in left)
    assert len([name for name, _ in left if "/samples/" in name]) == 2
    bucket = Bucket(store)
    assert folder(bucket, PREFIX).of(digest) == ()
    assert command("export", "--subject", "anna@example.com").stdout == ""
    lines = command("export", "--subject", "bert@example.com").stdout.splitlines()
    assert [json.loads(line)["inputs"] for line in lines] == [{"text": [SECRET_TEXT]}] * 2
    held = b"".join([name.encode() + data for name, data in left])
    trail = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for place in (held, trail, repr(cluster.objects).encode()):
        assert b"anna" not in place
        assert SECRET_TEXT.encode() not in place
    assert digest.encode() in trail, "the trail says that it was done, by the digest"


def test_erasing_again_and_whom_nobody_knows_is_done_at_once(pod: Callable[..., None], command: Command) -> None:
    pod("anna")
    for _ in range(2):
        done = command("erase", "--subject", "anna", "--yes")
        assert done.exit_code == 0, done.output
    assert "0 versions of the subject's keys destroyed" in done.output


def test_a_key_that_comes_while_it_is_erased_is_an_error(
    pod: Callable[..., None], store: ModelStore, cluster: FakeCluster
) -> None:
    pod("anna")
    digest = digest_of("anna", _secret(cluster, names.CAPTURE_KEYS)["digest.key"])

    def tell(text: str) -> None:
        if text == "deleting":
            pod("anna")

    with pytest.raises(NotErased, match="1 objects with keys of the subject"):
        erase(Bucket(store), PREFIX, digest, tell)


def test_an_export_goes_to_a_file_for_its_owner_alone(
    pod: Callable[..., None], command: Command, tmp_path: Path
) -> None:
    pod("anna")
    output = tmp_path / "anna.jsonl"
    assert command("export", "--subject", "anna", "--output", str(output)).exit_code == 0
    assert output.stat().st_mode & 0o777 == 0o600
    assert json.loads(output.read_text())["inputs"] == {"text": [SECRET_TEXT]}
    again = command("export", "--subject", "anna", "--output", str(output))
    assert again.exit_code == 1
    assert "a file that is not there yet" in str(again.exception)


def test_what_was_sealed_for_another_key_is_said_and_passed_over(
    pod: Callable[..., None], command: Command, cluster: FakeCluster
) -> None:
    pod("anna")
    found = cluster.objects["Secret", names.CAPTURE_KEYS]
    other = FakeCluster()
    GatewaySecrets(other, "kept", lambda _: None).ensure_capture()
    found["data"]["private.pem"] = other.objects["Secret", names.CAPTURE_KEYS]["data"]["private.pem"]
    done = command("export", "--subject", "anna")
    assert done.exit_code == 0
    assert "0 samples" in done.output


def test_expired_samples_are_deleted_by_how_long_they_are_kept(
    pod: Callable[..., None], store: ModelStore, client: Any, command: Command
) -> None:
    pod("anna", "bert")
    client.put_object(Bucket=store.bucket, Key=f"{PREFIX}/notes.txt", Body=b"mine")
    there = folder(Bucket(store), PREFIX)
    now = datetime.now(UTC)
    assert there.expired(now) == ()
    assert {one.key for one in there.expired(now + timedelta(days=8))} == {
        key for key, _ in everything(client, store) if not key.endswith("notes.txt")
    }
    assert "0 expired objects deleted" in command("erase", "--expired", "--yes").output


@pytest.mark.parametrize("subject", ["", "a\tb", "x" * 257], ids=["empty", "control", "long"])
def test_what_is_no_name_of_a_subject_is_refused_and_not_repeated(command: Command, subject: str) -> None:
    done = command("erase", "--subject", subject, "--yes")
    assert done.exit_code == 1
    assert "--subject: is no name of a subject; allowed: text of up to 256 bytes" in str(done.exception)


@pytest.mark.parametrize("arguments", [(), ("--subject", "anna", "--expired")], ids=["neither", "both"])
def test_one_of_subject_and_expired_is_needed(command: Command, arguments: tuple[str, ...]) -> None:
    done = command("erase", *arguments)
    assert done.exit_code == 2
    assert "exactly one of --subject and --expired is needed" in done.output


def test_nothing_is_erased_without_a_yes_where_there_is_nobody_to_ask(
    pod: Callable[..., None], command: Command, client: Any, store: ModelStore
) -> None:
    pod("anna")
    before = everything(client, store)
    done = command("erase", "--subject", "anna")
    assert done.exit_code == 1
    assert "add --yes" in str(done.exception)
    assert everything(client, store) == before


def test_an_environment_that_keeps_none_says_so(command: Command, cluster: FakeCluster) -> None:
    cluster.objects.clear()
    done = command("erase", "--subject", "anna", "--yes")
    assert done.exit_code == 1
    assert "environment kept keeps no samples: its cluster has no keys of any" in str(done.exception)


def test_a_store_that_refuses_is_said_with_what_is_needed(store: ModelStore, client: Any) -> None:
    client.delete_bucket(Bucket=store.bucket)
    with pytest.raises(SamplesUnread, match=r"list versions: NoSuchBucket.*s3:DeleteObjectVersion"):
        folder(Bucket(store), PREFIX)


def test_keys_of_samples_are_made_once_and_pods_get_the_public_half() -> None:
    cluster = FakeCluster()
    secrets = GatewaySecrets(cluster, "kept", lambda _: None)
    secrets.ensure_capture()
    keys = _secret(cluster, names.CAPTURE_KEYS)
    secrets.ensure_capture()
    assert _secret(cluster, names.CAPTURE_KEYS) == keys
    sealing = _secret(cluster, names.CAPTURE_SEALING)
    assert sealing.keys() == {"public.pem", "digest.key"}
    assert b"PRIVATE" not in sealing["public.pem"]
    assert private_key(keys["private.pem"]).public_key()
    del cluster.objects["Secret", names.CAPTURE_SEALING]
    secrets.ensure_capture()
    assert _secret(cluster, names.CAPTURE_SEALING) == sealing
