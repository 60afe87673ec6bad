"""Databases of RDS in the rehearsal: made, seen, changed and deleted as AWS does it, and refused as AWS refuses."""

from collections.abc import Iterator
from typing import Any

import pytest

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.protocol.errors import OperationError
from tests.support.made_in_aws import Made, unique

Json = dict[str, Any]
TAGS = {"Name": "ledger", "slipway:environment": "prod"}


@pytest.fixture
def subnets(shared: Aws) -> Iterator[Made]:
    vpc = Made(shared, "ec2/vpc:Vpc", {"cidrBlock": "10.60.0.0/16"})
    parts = [
        Made(
            shared,
            "ec2/subnet:Subnet",
            {"vpcId": vpc.id, "cidrBlock": f"10.60.{index}.0/24", "availabilityZone": f"eu-central-1{zone}"},
        )
        for index, zone in enumerate("ab")
    ]
    inputs = {"name": unique("subnets"), "description": "private", "subnetIds": [one.id for one in parts], "tags": TAGS}
    made = Made(shared, "rds/subnetGroup:SubnetGroup", inputs)
    yield made
    made.delete()
    for one in (*parts, vpc):
        one.delete()


def test_a_group_of_subnets_is_changed_in_place_and_keeps_its_tags(subnets: Made) -> None:
    subnets.change(description="still private", subnetIds=list(reversed(subnets.inputs["subnetIds"])))
    assert subnets.seen()["description"] == "still private"
    assert subnets.seen()["tags"] == TAGS


def database(shared: Aws, subnets: Made, **more: Any) -> Made:
    key = Made(shared, "kms/key:Key", {"description": "ledger"})
    group = Made(
        shared,
        "ec2/securityGroup:SecurityGroup",
        {"name": unique("ledger"), "description": "ledger", "vpcId": subnets.state["vpcId"]},
    )
    inputs: Json = {
        "identifier": unique("db"), "engine": "postgres", "engineVersion": "15", "instanceClass": "db.t4g.micro",
        "allocatedStorage": 20, "storageType": "gp3", "storageEncrypted": True, "kmsKeyId": key.state["arn"],
        "dbName": "keys", "username": "slipway", "manageMasterUserPassword": True,
        "masterUserSecretKmsKeyId": key.state["arn"], "dbSubnetGroupName": subnets.id,
        "vpcSecurityGroupIds": [group.id], "publiclyAccessible": False, "multiAz": False, "backupRetentionPeriod": 7,
        "copyTagsToSnapshot": True, "deletionProtection": True, "skipFinalSnapshot": False,
        "finalSnapshotIdentifier": unique("last"), "applyImmediately": True, "autoMinorVersionUpgrade": True,
        "tags": TAGS,
    }  # fmt: skip
    return Made(shared, "rds/instance:Instance", {**inputs, **more})


def gone(made: Made) -> None:
    """Delete it, unprotected, and then its security group, which the network waits for."""
    if made.live() is not None:
        made.change(deletionProtection=False)
        made.delete()
    (group,) = made.inputs["vpcSecurityGroupIds"]
    made.aws.call("ec2", "delete_security_group", GroupId=group)


def test_a_database_has_a_secret_that_aws_makes_and_no_password_is_in_its_state(shared: Aws, subnets: Made) -> None:
    made = database(shared, subnets)
    (secret,) = made.state["masterUserSecrets"]
    assert secret["secretArn"].startswith("arn:aws:secretsmanager:eu-central-1:")
    assert not [key for key in made.state if "password" in key.lower() and key != "manageMasterUserPassword"]
    assert made.state["address"]
    assert made.seen() == made.inputs
    gone(made)


def test_a_change_in_place_is_seen_by_a_refresh_and_the_version_stays_as_it_was_asked_for(
    shared: Aws, subnets: Made
) -> None:
    made = database(shared, subnets)
    made.change(instanceClass="db.t4g.small", allocatedStorage=50, multiAz=True, tags={**TAGS, "team": "ml"})
    assert made.seen() == made.inputs
    assert made.inputs["engineVersion"] == "15"
    assert made.replaced_by(kmsKeyId="other", storageEncrypted=False) == ["kmsKeyId", "storageEncrypted"]
    gone(made)


def test_a_protected_database_is_not_deleted(shared: Aws, subnets: Made) -> None:
    made = database(shared, subnets)
    with pytest.raises(OperationError, match="Cannot delete protected DB Instance"):
        made.delete()
    gone(made)


def test_a_deleted_database_leaves_its_last_snapshot(shared: Aws, subnets: Made) -> None:
    made = database(shared, subnets)
    name = made.inputs["finalSnapshotIdentifier"]
    gone(made)
    found = shared.call("rds", "describe_db_snapshots", DBInstanceIdentifier=made.id)["DBSnapshots"]
    assert [snapshot["DBSnapshotIdentifier"] for snapshot in found] == [name]


def test_a_last_snapshot_needs_a_name(shared: Aws, subnets: Made) -> None:
    made = database(shared, subnets)
    made.change(deletionProtection=False)
    named = made.state.pop("finalSnapshotIdentifier")
    with pytest.raises(OperationError, match="FinalDBSnapshotIdentifier is required"):
        made.delete()
    made.state["finalSnapshotIdentifier"] = named
    gone(made)


def test_a_key_that_is_not_there_is_refused(shared: Aws, subnets: Made) -> None:
    made = database(shared, subnets)
    gone(made)
    other = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    with pytest.raises(OperationError, match="does not exist"):
        Made(shared, "rds/instance:Instance", {**made.inputs, "kmsKeyId": other})


def test_subnets_with_a_database_in_them_are_not_deleted(shared: Aws, subnets: Made) -> None:
    made = database(shared, subnets)
    with pytest.raises(OperationError, match="because at least one database instance"):
        subnets.delete()
    gone(made)


def test_a_database_begins_with_a_snapshot_that_is_there(shared: Aws, subnets: Made) -> None:
    first = database(shared, subnets)
    last = first.inputs["finalSnapshotIdentifier"]
    key = first.inputs["kmsKeyId"]
    gone(first)
    made = database(shared, subnets, snapshotIdentifier=last, kmsKeyId=key, allocatedStorage=30)
    assert made.seen() == made.inputs
    assert made.state["masterUserSecrets"]
    assert made.replaced_by(snapshotIdentifier="another") == ["snapshotIdentifier"]
    gone(made)
    with pytest.raises(OperationError, match="DBSnapshotNotFound"):
        Made(shared, "rds/instance:Instance", {**made.inputs, "snapshotIdentifier": "nobody-made-it"})
