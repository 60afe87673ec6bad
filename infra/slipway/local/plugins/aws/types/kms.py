"""Keys and the names they go by."""

from typing import Any

from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import FIXED, JSON, LOCAL, REQUIRED, REQUIRED_FIXED, VALUE, Object, ResourceType
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.spelling import given

_MISSING = ("NotFoundException",)
_NAMES = {
    "description": "Description", "policy": "Policy", "keyUsage": "KeyUsage", "customerMasterKeySpec": "KeySpec",
    "multiRegion": "MultiRegion",
}  # fmt: skip
_DEFAULTS = {"KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT"}
"""Which the provider sends too."""


def _pairs(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in sorted(values.items())]


def _create(aws: Aws, inputs: Object) -> str:
    params = {**_DEFAULTS, **given(inputs, _NAMES)}
    made = aws.call("kms", "create_key", Tags=_pairs(inputs.get("tags") or {}), **params)
    return str(made["KeyMetadata"]["KeyId"])


def _configure(aws: Aws, identifier: str, inputs: Object) -> None:
    if inputs.get("enableKeyRotation"):
        period = given(inputs, {"rotationPeriodInDays": "RotationPeriodInDays"})
        aws.call("kms", "enable_key_rotation", KeyId=identifier, **period)


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    found = aws.find("kms", "describe_key", _MISSING, KeyId=identifier)
    if found is None or found["KeyMetadata"]["KeyState"] == "PendingDeletion":
        return None
    key = found["KeyMetadata"]
    rotation = aws.call("kms", "get_key_rotation_status", KeyId=identifier)
    listed = aws.call("kms", "list_resource_tags", KeyId=identifier)["Tags"]
    return {
        "arn": key["Arn"],
        "keyId": key["KeyId"],
        "description": key["Description"],
        "policy": aws.call("kms", "get_key_policy", KeyId=identifier, PolicyName="default")["Policy"],
        "keyUsage": key["KeyUsage"],
        "customerMasterKeySpec": key["KeySpec"],
        "multiRegion": bool(key.get("MultiRegion")),
        "enableKeyRotation": rotation["KeyRotationEnabled"],
        "rotationPeriodInDays": rotation.get("RotationPeriodInDays"),
        "isEnabled": key["Enabled"],
        **tags.outputs(tags.mapping(listed, "TagKey", "TagValue")),
    }


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    def differs(*keys: str) -> bool:
        return any(old.get(key) != new.get(key) for key in keys)

    if differs("enableKeyRotation", "rotationPeriodInDays"):
        if new.get("enableKeyRotation"):
            _configure(aws, identifier, new)
        else:
            aws.call("kms", "disable_key_rotation", KeyId=identifier)
    if differs("description"):
        aws.call("kms", "update_key_description", KeyId=identifier, Description=new.get("description", ""))
    if differs("policy") and "policy" in new:
        aws.call("kms", "put_key_policy", KeyId=identifier, PolicyName="default", Policy=new["policy"])
    put, gone = tags.changed(old, new)
    if gone:
        aws.call("kms", "untag_resource", KeyId=identifier, TagKeys=gone)
    if put:
        aws.call("kms", "tag_resource", KeyId=identifier, Tags=_pairs(put))


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    found = aws.find("kms", "describe_key", _MISSING, KeyId=identifier)
    if found is not None and found["KeyMetadata"]["KeyState"] != "PendingDeletion":
        window = given(state, {"deletionWindowInDays": "PendingWindowInDays"})
        aws.call("kms", "schedule_key_deletion", KeyId=identifier, **window)


KEY = ResourceType(
    token="aws:kms/key:Key",
    source="hashicorp/terraform-provider-aws internal/service/kms/key.go",
    properties={
        "description": VALUE, "policy": JSON, "enableKeyRotation": VALUE, "rotationPeriodInDays": VALUE,
        "keyUsage": FIXED, "customerMasterKeySpec": FIXED, "multiRegion": FIXED, "deletionWindowInDays": LOCAL,
        "bypassPolicyLockoutSafetyCheck": LOCAL, "tags": VALUE,
    },
    computed=frozenset({"arn", "keyId", "policy", "tagsAll"}),
    create=_create, configure=_configure, read=_read, update=_update, delete=_delete,
)  # fmt: skip


def require_key(aws: Aws, key: str, operation: str) -> None:
    """Refuse a key that is not there."""
    if aws.find("kms", "describe_key", _MISSING, KeyId=key) is None:
        raise refuse("InvalidParameterException", f"the key {key} does not exist", operation)


def _create_alias(aws: Aws, inputs: Object) -> str:
    aws.call("kms", "create_alias", AliasName=inputs["name"], TargetKeyId=inputs["targetKeyId"])
    return str(inputs["name"])


def _find_alias(aws: Aws, name: str) -> dict[str, Any] | None:
    marker: dict[str, str] = {}
    while True:
        page = aws.call("kms", "list_aliases", **marker)
        for alias in page["Aliases"]:
            if alias["AliasName"] == name:
                return dict(alias)
        if not page.get("Truncated"):
            return None
        marker = {"Marker": page["NextMarker"]}


def _read_alias(aws: Aws, identifier: str, state: Object) -> Object | None:
    alias = _find_alias(aws, identifier)
    if alias is None or "TargetKeyId" not in alias:
        return None
    target = alias["TargetKeyId"]
    key = aws.call("kms", "describe_key", KeyId=target)["KeyMetadata"]["Arn"]
    asked = str(state.get("targetKeyId", target))
    return {
        "arn": alias["AliasArn"],
        "name": identifier,
        "targetKeyArn": key,
        "targetKeyId": asked if asked in (key, target) else target,  # a key may be given by its id or its ARN
    }


def _update_alias(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    aws.call("kms", "update_alias", AliasName=identifier, TargetKeyId=new["targetKeyId"])


def _delete_alias(aws: Aws, identifier: str, state: Object) -> None:
    aws.find("kms", "delete_alias", _MISSING, AliasName=identifier)


ALIAS = ResourceType(
    token="aws:kms/alias:Alias",
    source="hashicorp/terraform-provider-aws internal/service/kms/alias.go",
    properties={"name": REQUIRED_FIXED, "targetKeyId": REQUIRED},
    name="name",
    computed=frozenset({"arn", "targetKeyArn"}),
    create=_create_alias, read=_read_alias, update=_update_alias, delete=_delete_alias,
)  # fmt: skip
