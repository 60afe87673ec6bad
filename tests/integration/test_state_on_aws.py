"""Pulumi's state as docs/how-to/aws.md has it: a versioned bucket and a key of KMS. Both are moto's, none of AWS."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pulumi
import pytest
import requests
from moto.server import ThreadedMotoServer

from slipway.engine.engine import Engine

BUCKET = "slipway-state-123456789012"
REGION = "eu-central-1"


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An account with the bucket and the key of the bootstrap; nothing here reaches AWS."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-nobody")
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    options = f"region={REGION}&endpoint={address}&s3ForcePathStyle=true&disableSSL=true"
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"s3://{BUCKET}?{options}")
    monkeypatch.delenv("PULUMI_CONFIG_PASSPHRASE", raising=False)
    requests.post(f"{address}/moto-api/reset", timeout=10).raise_for_status()
    try:
        kms, s3 = (boto3.client(service, region_name=REGION) for service in ("kms", "s3"))
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.create_alias(AliasName="alias/slipway-state", TargetKeyId=key)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield address
    finally:
        server.stop()


@pytest.fixture
def engine(moto: str, tmp_path: Path) -> Engine:
    secrets = {"secretsprovider": f"awskms://alias/slipway-state?region={REGION}&endpoint={moto}"}
    return Engine(tmp_path, secrets, threading.Event())


def exporting(value: str) -> Callable[[], None]:
    def program() -> None:
        pulumi.export("secret", pulumi.Output.secret(f"the secret of {value}"))
        pulumi.export("word", value)

    return program


def word(engine: Engine) -> Any:
    state = engine.state("prod")
    assert state is not None
    return state["deployment"]["resources"][0]["outputs"]["word"]


def test_stacks_are_made_updated_and_destroyed_without_a_passphrase(engine: Engine) -> None:
    assert engine.up("prod", exporting("first"), lambda _: None, new=True).changes == {"create": 1}
    assert engine.up("prod.digits", exporting("second"), lambda _: None, new=True).changes == {"create": 1}
    assert engine.up("prod", exporting("first"), lambda _: None, new=False).changes == {"same": 1}
    state = engine.state("prod")
    assert state is not None and "the secret of" not in json.dumps(state)
    assert state["deployment"]["secrets_providers"]["type"] == "cloud"
    for stack in ("prod.digits", "prod"):
        assert engine.destroy(stack, lambda _: None) is not None
    assert engine.stacks() == ()


def test_an_older_state_is_had_back_from_the_versions_of_its_object(engine: Engine) -> None:
    engine.up("prod", exporting("right"), lambda _: None, new=True)
    assert word(engine) == "right"
    s3 = boto3.client("s3", region_name=REGION)
    key = ".pulumi/stacks/slipway/prod.json"
    good = s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"][0]["VersionId"]
    engine.up("prod", exporting("wrong"), lambda _: None, new=False)
    assert word(engine) == "wrong"
    checkpoint = json.loads(s3.get_object(Bucket=BUCKET, Key=key, VersionId=good)["Body"].read())
    # The `jq` of docs/how-to/aws.md.
    state = {"version": checkpoint["version"], "deployment": checkpoint["checkpoint"]["latest"]}
    assert engine.replace_state("prod", state, lambda _: None)
    assert word(engine) == "right"
