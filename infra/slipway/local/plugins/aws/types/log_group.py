"""A group of logs of CloudWatch.

EKS makes the group of a control plane again, without tags, key or retention, when it deletes a cluster that still
logs and its group is deleted soon after (terraform-aws-modules/terraform-aws-eks, issue 2763): so does this.
"""

import json

from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import FIXED, LOCAL, VALUE, Object, ResourceType
from slipway.local.plugins.aws.types import tags

_MISSING = ("ResourceNotFoundException",)
_KEYS = "logs.keys"
"""Keys that were given to groups after they were made, or taken from them: moto cannot change that."""
LATE = "eks.late_logs"
"""Groups that EKS will make again, by their names."""


def of_cluster(name: str) -> str:
    """Name of the group of a cluster's control plane."""
    return f"/aws/eks/{name}/cluster"


def _create(aws: Aws, inputs: Object) -> str:
    given: Object = {"logGroupName": inputs["name"], "tags": inputs.get("tags") or {}}
    for key, parameter in (("kmsKeyId", "kmsKeyId"), ("logGroupClass", "logGroupClass")):
        if key in inputs:
            given[parameter] = inputs[key]
    if "kmsKeyId" in inputs:
        _require_usable(aws, inputs["kmsKeyId"], "CreateLogGroup")
    aws.call("logs", "create_log_group", **given)
    return str(inputs["name"])


def _require_usable(aws: Aws, key: str, operation: str) -> None:
    """Refuse a key whose policy does not let CloudWatch Logs use it, as AWS does."""
    found = aws.find("kms", "get_key_policy", ("NotFoundException",), KeyId=key, PolicyName="default")
    policy = json.dumps(json.loads(found["Policy"])) if found else ""
    if f"logs.{aws.region}.amazonaws.com" not in policy and "logs.amazonaws.com" not in policy:
        raise refuse(
            "InvalidParameterException",
            f"The specified KMS key {key} does not exist or is not allowed to be used with CloudWatch Logs",
            operation,
        )


def _configure(aws: Aws, name: str, inputs: Object) -> None:
    if inputs.get("retentionInDays"):
        aws.call("logs", "put_retention_policy", logGroupName=name, retentionInDays=inputs["retentionInDays"])


def _read(aws: Aws, name: str, state: Object) -> Object | None:
    listed = aws.call("logs", "describe_log_groups", logGroupNamePrefix=name)["logGroups"]
    live = next((group for group in listed if group["logGroupName"] == name), None)
    if live is None:
        return None
    arn = live["arn"].removesuffix(":*")
    return {
        "name": name,
        "arn": arn,
        "kmsKeyId": (aws.kept.get(_KEYS, name) or live).get("kmsKeyId"),
        "logGroupClass": live.get("logGroupClass", "STANDARD"),
        "retentionInDays": live.get("retentionInDays"),
        "skipDestroy": state.get("skipDestroy"),
        **tags.outputs(aws.call("logs", "list_tags_for_resource", resourceArn=arn)["tags"]),
    }


def _update(aws: Aws, name: str, old: Object, new: Object) -> None:
    if old.get("retentionInDays") != new.get("retentionInDays"):
        if new.get("retentionInDays"):
            _configure(aws, name, new)
        else:
            aws.call("logs", "delete_retention_policy", logGroupName=name)
    if old.get("kmsKeyId") != new.get("kmsKeyId"):
        if "kmsKeyId" in new:
            _require_usable(aws, new["kmsKeyId"], "AssociateKmsKey")
            with aws.keep("logs", "associate_kms_key", logGroupName=name, kmsKeyId=new["kmsKeyId"]) as kept:
                kept.put(_KEYS, name, {"kmsKeyId": new["kmsKeyId"]})
        else:
            with aws.keep("logs", "disassociate_kms_key", logGroupName=name) as kept:
                kept.put(_KEYS, name, {"kmsKeyId": None})
    put, off = tags.changed(old, new)
    arn = f"arn:aws:logs:{aws.region}:{aws.account}:log-group:{name}" if put or off else ""
    if off:
        aws.call("logs", "untag_resource", resourceArn=arn, tagKeys=off)
    if put:
        aws.call("logs", "tag_resource", resourceArn=arn, tags=put)


def _delete(aws: Aws, name: str, state: Object) -> None:
    if not state.get("skipDestroy"):
        aws.find("logs", "delete_log_group", _MISSING, logGroupName=name)
        aws.kept.remove(_KEYS, name)
        if aws.kept.remove(LATE, name):
            aws.call("logs", "create_log_group", logGroupName=name)


LOG_GROUP = ResourceType(
    token="aws:cloudwatch/logGroup:LogGroup",
    source="hashicorp/terraform-provider-aws internal/service/logs/group.go",
    properties={
        "name": FIXED,
        "kmsKeyId": VALUE,
        "logGroupClass": FIXED,
        "retentionInDays": VALUE,
        "skipDestroy": LOCAL,
        "tags": VALUE,
    },
    computed=frozenset({"arn", "tagsAll"}),
    name="name", create=_create, configure=_configure, read=_read, update=_update, delete=_delete,
)  # fmt: skip
