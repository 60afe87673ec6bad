"""A backup in a bucket, encrypted as its URL asks for. The bucket is moto's, none of AWS."""

import io

import boto3
import pytest

from slipway.backup.errors import BackupRefused, BackupUnread, BackupUnwritten
from slipway.backup.place import backup_at, new_backup
from tests.integration.test_history_on_aws import BUCKET, REGION, address, moto

__all__ = ["address", "moto"]

KEY = f"arn:aws:kms:{REGION}:123456789012:key/11111111-2222-3333-4444-555555555555"
DUMP = bytes(range(256)) * 80_000
"""20 MB: more than one part of an upload."""


def url(address: str, more: str = "") -> str:
    query = f"region={REGION}&endpoint=http://{address}&s3ForcePathStyle=true{more}"
    return f"s3://{BUCKET}/backups?{query}"


def test_a_file_of_many_parts_is_encrypted_and_read_as_it_was(address: str) -> None:
    place = new_backup(url(address, f"&ssetype=aws:kms&kmskeyid={KEY}"), "prod-1")
    stored = place.write("ledger.dump", io.BytesIO(DUMP))
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=f"http://{address}")
    head = s3.head_object(Bucket=BUCKET, Key="backups/prod-1/ledger.dump")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", KEY)
    into = io.BytesIO()
    backup_at(place.address).read("ledger.dump", stored, into)
    assert into.getvalue() == DUMP


def test_an_object_that_somebody_overwrote_is_refused(address: str) -> None:
    place = new_backup(url(address), "prod-1")
    stored = place.write("states/prod.json", io.BytesIO(b"state"))
    s3 = boto3.client("s3", region_name=REGION, endpoint_url=f"http://{address}")
    s3.put_object(Bucket=BUCKET, Key="backups/prod-1/states/prod.json", Body=b"stale")
    with pytest.raises(BackupRefused, match=r"s3://slipway-state-.*/prod-1/states/prod.json: sha256: .*changed"):
        place.read("states/prod.json", stored, io.BytesIO())


def test_a_bucket_that_is_not_there_is_named(address: str) -> None:
    elsewhere = url(address).replace(BUCKET, "another")
    with pytest.raises(BackupUnwritten, match=r"s3://another/backups/prod-1/states/prod.json: .*next: "):
        new_backup(elsewhere, "prod-1").write("states/prod.json", io.BytesIO(b"state"))
    with pytest.raises(BackupUnread, match=r"s3://another/backups/manifest.json: .*next: "):
        backup_at(elsewhere).manifest()
