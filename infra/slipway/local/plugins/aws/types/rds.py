"""A database of RDS, and the subnets that it may be in."""

from typing import Any

from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import (
    FIXED,
    LOCAL,
    REQUIRED,
    REQUIRED_FIXED,
    SET,
    VALUE,
    Object,
    Property,
    ResourceType,
)
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.kms import require_key
from slipway.local.plugins.aws.types.spelling import given

_MISSING = ("DBInstanceNotFound", "DBInstanceNotFoundFault")
_NO_SUBNETS = ("DBSubnetGroupNotFoundFault", "DBSubnetGroupNotFound")
_FIXED = {
    "identifier": "DBInstanceIdentifier", "engine": "Engine", "dbName": "DBName", "username": "MasterUsername",
    "kmsKeyId": "KmsKeyId", "storageEncrypted": "StorageEncrypted", "dbSubnetGroupName": "DBSubnetGroupName",
}  # fmt: skip
_CHANGED = {
    "instanceClass": "DBInstanceClass", "allocatedStorage": "AllocatedStorage", "storageType": "StorageType",
    "engineVersion": "EngineVersion", "multiAz": "MultiAZ", "backupRetentionPeriod": "BackupRetentionPeriod",
    "copyTagsToSnapshot": "CopyTagsToSnapshot", "deletionProtection": "DeletionProtection",
    "publiclyAccessible": "PubliclyAccessible", "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "caCertIdentifier": "CACertificateIdentifier", "vpcSecurityGroupIds": "VpcSecurityGroupIds",
}  # fmt: skip
_SECRET = {
    "manageMasterUserPassword": "ManageMasterUserPassword",
    "masterUserSecretKmsKeyId": "MasterUserSecretKmsKeyId",
}
_LOCAL = (
    "skipFinalSnapshot", "finalSnapshotIdentifier", "applyImmediately", "deleteAutomatedBackups", "snapshotIdentifier",
)  # fmt: skip
_RESTORED = {
    "identifier": "DBInstanceIdentifier", "snapshotIdentifier": "DBSnapshotIdentifier",
    "instanceClass": "DBInstanceClass", "dbSubnetGroupName": "DBSubnetGroupName", "multiAz": "MultiAZ",
    "vpcSecurityGroupIds": "VpcSecurityGroupIds", "publiclyAccessible": "PubliclyAccessible",
    "storageType": "StorageType", "autoMinorVersionUpgrade": "AutoMinorVersionUpgrade",
    "copyTagsToSnapshot": "CopyTagsToSnapshot", "deletionProtection": "DeletionProtection",
}  # fmt: skip
_AFTER = {
    "allocatedStorage": "AllocatedStorage", "backupRetentionPeriod": "BackupRetentionPeriod",
    "caCertIdentifier": "CACertificateIdentifier", **_SECRET,
}  # fmt: skip
"""What the plugin changes once the database is there, since the call that restores does not take it."""


def _create(aws: Aws, inputs: Object) -> str:
    """RDS encrypts with a key that is there, and is given either a password or leave to make one."""
    if inputs.get("manageMasterUserPassword") and "password" in inputs:
        message = "You can't specify MasterUserPassword while ManageMasterUserPassword is enabled"
        raise refuse("InvalidParameterCombination", message, "CreateDBInstance")
    for key in ("kmsKeyId", "masterUserSecretKmsKeyId"):
        if key in inputs:
            require_key(aws, inputs[key], "CreateDBInstance")
    if "snapshotIdentifier" in inputs:
        return _restore(aws, inputs)
    names = {**_FIXED, **_CHANGED, **_SECRET}
    aws.call("rds", "create_db_instance", Tags=tags.pairs(inputs.get("tags")), **given(inputs, names))
    return str(inputs["identifier"])


def _restore(aws: Aws, inputs: Object) -> str:
    """From a snapshot, with its user, its databases and its key; all else is changed afterwards."""
    found = aws.find(
        "rds", "describe_db_snapshots", ("DBSnapshotNotFound", "DBSnapshotNotFoundFault"),
        DBSnapshotIdentifier=inputs["snapshotIdentifier"],
    )  # fmt: skip
    if not found or not found["DBSnapshots"]:
        message = f"DBSnapshot not found: {inputs['snapshotIdentifier']}"
        raise refuse("DBSnapshotNotFound", message, "RestoreDBInstanceFromDBSnapshot")
    tagged = tags.pairs(inputs.get("tags"))
    aws.call("rds", "restore_db_instance_from_db_snapshot", Tags=tagged, **given(inputs, _RESTORED))
    identifier = str(inputs["identifier"])
    changed = given(inputs, _AFTER)
    aws.call("rds", "modify_db_instance", DBInstanceIdentifier=identifier, ApplyImmediately=True, **changed)
    return identifier


def _find(aws: Aws, identifier: str) -> dict[str, Any] | None:
    found = aws.find("rds", "describe_db_instances", _MISSING, DBInstanceIdentifier=identifier)
    return found["DBInstances"][0] if found and found["DBInstances"] else None


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    live = _find(aws, identifier)
    if live is None:
        return None
    secret = live.get("MasterUserSecret")
    secrets = [{"secretArn": secret["SecretArn"], "secretStatus": secret["SecretStatus"]}] if secret else []
    # AWS answers with the minor version that it chose; the plugin keeps the major one that was asked for.
    version, asked = str(live["EngineVersion"]), str(state.get("engineVersion") or "")
    return {
        **{key: live.get(name) for key, name in {**_FIXED, **_CHANGED}.items()},
        "engineVersion": asked if asked and version.partition(".")[0] == asked.partition(".")[0] else version,
        "engineVersionActual": version,
        "dbSubnetGroupName": live["DBSubnetGroup"]["DBSubnetGroupName"],
        "vpcSecurityGroupIds": [group["VpcSecurityGroupId"] for group in live["VpcSecurityGroups"]],
        "manageMasterUserPassword": True if secret else None,
        "masterUserSecretKmsKeyId": state.get("masterUserSecretKmsKeyId") if secret else None,
        "masterUserSecrets": secrets,
        "arn": live["DBInstanceArn"],
        "address": live["Endpoint"]["Address"],
        "port": live["Endpoint"]["Port"],
        **{key: state.get(key) for key in _LOCAL},
        **tags.outputs(tags.mapping(live.get("TagList"))),
    }


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    changes = {key: value for key, value in new.items() if key in _CHANGED and old.get(key) != value}
    if changes:
        now = bool(new.get("applyImmediately"))
        named = given(changes, _CHANGED)
        aws.call("rds", "modify_db_instance", DBInstanceIdentifier=identifier, ApplyImmediately=now, **named)
    _update_tags(aws, f"arn:aws:rds:{aws.region}:{aws.account}:db:{identifier}", old, new)


def _update_tags(aws: Aws, arn: str, old: Object, new: Object) -> None:
    put, gone = tags.changed(old, new)
    if gone:
        aws.call("rds", "remove_tags_from_resource", ResourceName=arn, TagKeys=gone)
    if put:
        aws.call("rds", "add_tags_to_resource", ResourceName=arn, Tags=tags.pairs(put))


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    """With a last snapshot, unless none is wanted; RDS itself refuses a protected one."""
    if _find(aws, identifier) is None:
        return
    if state.get("skipFinalSnapshot"):
        last: Object = {"SkipFinalSnapshot": True}
    elif state.get("finalSnapshotIdentifier"):
        last = {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": state["finalSnapshotIdentifier"]}
    else:
        message = "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified."
        raise refuse("InvalidParameterCombination", message, "DeleteDBInstance")
    aws.find("rds", "delete_db_instance", _MISSING, DBInstanceIdentifier=identifier, **last)


DATABASE = ResourceType(
    token="aws:rds/instance:Instance",
    source="hashicorp/terraform-provider-aws internal/service/rds/instance.go",
    properties={
        "identifier": REQUIRED, "engine": REQUIRED_FIXED, "dbName": FIXED, "username": FIXED, "kmsKeyId": FIXED,
        "storageEncrypted": FIXED, "dbSubnetGroupName": VALUE, "instanceClass": REQUIRED, "allocatedStorage": VALUE,
        "storageType": VALUE, "engineVersion": VALUE, "multiAz": VALUE, "backupRetentionPeriod": VALUE,
        "copyTagsToSnapshot": VALUE, "deletionProtection": VALUE, "publiclyAccessible": VALUE,
        "autoMinorVersionUpgrade": VALUE, "caCertIdentifier": VALUE, "vpcSecurityGroupIds": SET,
        "manageMasterUserPassword": VALUE, "masterUserSecretKmsKeyId": VALUE, "skipFinalSnapshot": LOCAL,
        "finalSnapshotIdentifier": LOCAL, "applyImmediately": LOCAL, "deleteAutomatedBackups": LOCAL,
        "snapshotIdentifier": FIXED, "tags": VALUE,
    },
    name="identifier",
    computed=frozenset({"arn", "address", "port", "engineVersionActual", "masterUserSecrets", "tagsAll"}),
    create=_create, read=_read, update=_update, delete=_delete,
)  # fmt: skip


def _create_subnets(aws: Aws, inputs: Object) -> str:
    aws.call(
        "rds", "create_db_subnet_group", DBSubnetGroupName=inputs["name"],
        DBSubnetGroupDescription=inputs["description"], SubnetIds=inputs["subnetIds"],
        Tags=tags.pairs(inputs.get("tags")),
    )  # fmt: skip
    return str(inputs["name"])


def _subnets_arn(aws: Aws, name: str) -> str:
    return f"arn:aws:rds:{aws.region}:{aws.account}:subgrp:{name}"


def _read_subnets(aws: Aws, name: str, state: Object) -> Object | None:
    found = aws.find("rds", "describe_db_subnet_groups", _NO_SUBNETS, DBSubnetGroupName=name)
    if found is None:
        return None
    (group,) = found["DBSubnetGroups"]
    listed = aws.call("rds", "list_tags_for_resource", ResourceName=_subnets_arn(aws, name))["TagList"]
    return {
        "name": name,
        "description": group["DBSubnetGroupDescription"],
        "subnetIds": [subnet["SubnetIdentifier"] for subnet in group["Subnets"]],
        "vpcId": group["VpcId"],
        "arn": _subnets_arn(aws, name),
        **tags.outputs(tags.mapping(listed)),
    }


def _update_subnets(aws: Aws, name: str, old: Object, new: Object) -> None:
    if sorted(old["subnetIds"]) != sorted(new["subnetIds"]) or old["description"] != new["description"]:
        aws.call(
            "rds", "modify_db_subnet_group", DBSubnetGroupName=name, SubnetIds=new["subnetIds"],
            DBSubnetGroupDescription=new["description"],
        )  # fmt: skip
        # moto forgets a group that it changed.
        if aws.find("rds", "describe_db_subnet_groups", _NO_SUBNETS, DBSubnetGroupName=name) is None:
            _create_subnets(aws, {**new, "name": name, "tags": old.get("tags")})
    _update_tags(aws, _subnets_arn(aws, name), old, new)


def _delete_subnets(aws: Aws, name: str, state: Object) -> None:
    """After the databases in it, which moto does not ask for."""
    users = [
        database["DBInstanceIdentifier"]
        for database in aws.call("rds", "describe_db_instances")["DBInstances"]
        if database["DBSubnetGroup"]["DBSubnetGroupName"] == name
    ]
    if users:
        message = f"Cannot delete the subnet group '{name}' because at least one database instance: {users[0]} uses it."
        raise refuse("InvalidDBSubnetGroupStateFault", message, "DeleteDBSubnetGroup")
    aws.find("rds", "delete_db_subnet_group", _NO_SUBNETS, DBSubnetGroupName=name)


DATABASE_SUBNETS = ResourceType(
    token="aws:rds/subnetGroup:SubnetGroup",
    source="hashicorp/terraform-provider-aws internal/service/rds/subnet_group.go",
    properties={
        "name": REQUIRED_FIXED, "description": REQUIRED, "subnetIds": Property(required=True, unordered=True),
        "tags": VALUE,
    },
    name="name",
    computed=frozenset({"arn", "vpcId", "tagsAll"}),
    create=_create_subnets, read=_read_subnets, update=_update_subnets, delete=_delete_subnets,
)  # fmt: skip
