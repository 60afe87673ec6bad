"""Queues of SQS, and rules of EventBridge that fill them."""

import json

from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import FIXED, REQUIRED, REQUIRED_FIXED, VALUE, Object, Property, ResourceType
from slipway.local.plugins.aws.types import tags

_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_MISSING = ("ResourceNotFoundException",)
_RETENTION, _OWN_KEYS = "MessageRetentionPeriod", "SqsManagedSseEnabled"


def _attributes(inputs: Object) -> dict[str, str]:
    given = {_RETENTION: inputs.get("messageRetentionSeconds"), _OWN_KEYS: inputs.get("sqsManagedSseEnabled")}
    return {key: str(value).lower() for key, value in given.items() if value is not None}


def _create_queue(aws: Aws, inputs: Object) -> str:
    made = aws.call(
        "sqs", "create_queue", QueueName=inputs["name"], Attributes=_attributes(inputs), tags=inputs.get("tags") or {}
    )
    return str(made["QueueUrl"])


def _read_queue(aws: Aws, url: str, state: Object) -> Object | None:
    found = aws.find("sqs", "get_queue_attributes", _NO_QUEUE, QueueUrl=url, AttributeNames=["All"])
    if found is None:
        return None
    live = found["Attributes"]
    listed = aws.call("sqs", "list_queue_tags", QueueUrl=url).get("Tags") or {}
    return {
        "name": url.rpartition("/")[2],
        "arn": live["QueueArn"],
        "url": url,
        "messageRetentionSeconds": int(live[_RETENTION]),
        "sqsManagedSseEnabled": live.get(_OWN_KEYS) == "true",
        **tags.outputs(listed),
    }


def _update_queue(aws: Aws, url: str, old: Object, new: Object) -> None:
    if _attributes(old) != _attributes(new):
        aws.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes=_attributes(new))
    put, gone = tags.changed(old, new)
    if gone:
        aws.call("sqs", "untag_queue", QueueUrl=url, TagKeys=gone)
    if put:
        aws.call("sqs", "tag_queue", QueueUrl=url, Tags=put)


def _delete_queue(aws: Aws, url: str, state: Object) -> None:
    aws.find("sqs", "delete_queue", _NO_QUEUE, QueueUrl=url)


QUEUE = ResourceType(
    token="aws:sqs/queue:Queue",
    source="hashicorp/terraform-provider-aws internal/service/sqs/queue.go",
    properties={
        "name": REQUIRED_FIXED, "messageRetentionSeconds": VALUE, "sqsManagedSseEnabled": VALUE, "tags": VALUE,
    },
    computed=frozenset({"arn", "url", "tagsAll"}),
    name="name", create=_create_queue, read=_read_queue, update=_update_queue, delete=_delete_queue,
)  # fmt: skip


def _put_policy(aws: Aws, inputs: Object) -> str:
    aws.call("sqs", "set_queue_attributes", QueueUrl=inputs["queueUrl"], Attributes={"Policy": inputs["policy"]})
    return str(inputs["queueUrl"])


def _read_policy(aws: Aws, url: str, state: Object) -> Object | None:
    found = aws.find("sqs", "get_queue_attributes", _NO_QUEUE, QueueUrl=url, AttributeNames=["Policy"])
    policy = (found or {}).get("Attributes", {}).get("Policy")
    return {"queueUrl": url, "policy": policy} if policy else None


def _update_policy(aws: Aws, url: str, old: Object, new: Object) -> None:
    _put_policy(aws, new)


def _delete_policy(aws: Aws, url: str, state: Object) -> None:
    aws.find("sqs", "set_queue_attributes", _NO_QUEUE, QueueUrl=url, Attributes={"Policy": ""})


QUEUE_POLICY = ResourceType(
    token="aws:sqs/queuePolicy:QueuePolicy",
    source="hashicorp/terraform-provider-aws internal/service/sqs/queue_policy.go",
    properties={"queueUrl": REQUIRED_FIXED, "policy": Property(required=True, json=True)},
    create=_put_policy, read=_read_policy, update=_update_policy, delete=_delete_policy,
)  # fmt: skip


def _put_rule(aws: Aws, inputs: Object) -> str:
    aws.call("events", "put_rule", Name=inputs["name"], EventPattern=inputs["eventPattern"])
    return str(inputs["name"])


def _create_rule(aws: Aws, inputs: Object) -> str:
    aws.call(
        "events", "put_rule", Name=inputs["name"], EventPattern=inputs["eventPattern"],
        Tags=tags.pairs(inputs.get("tags")),
    )  # fmt: skip
    return str(inputs["name"])


def _read_rule(aws: Aws, name: str, state: Object) -> Object | None:
    live = aws.find("events", "describe_rule", _MISSING, Name=name)
    if live is None:
        return None
    listed = aws.call("events", "list_tags_for_resource", ResourceARN=live["Arn"])["Tags"]
    return {
        "name": name, "arn": live["Arn"], "eventPattern": live["EventPattern"], **tags.outputs(tags.mapping(listed)),
    }  # fmt: skip


def _update_rule(aws: Aws, name: str, old: Object, new: Object) -> None:
    if json.loads(old["eventPattern"]) != json.loads(new["eventPattern"]):
        _put_rule(aws, new)
    put, gone = tags.changed(old, new)
    arn = f"arn:aws:events:{aws.region}:{aws.account}:rule/{name}"
    if gone:
        aws.call("events", "untag_resource", ResourceARN=arn, TagKeys=gone)
    if put:
        aws.call("events", "tag_resource", ResourceARN=arn, Tags=tags.pairs(put))


def _delete_rule(aws: Aws, name: str, state: Object) -> None:
    """Not while it has a target, which moto does not ask."""
    found = aws.find("events", "list_targets_by_rule", _MISSING, Rule=name)
    if found is not None and found["Targets"]:
        raise refuse("ValidationException", "Rule can't be deleted since it has targets.", "DeleteRule")
    aws.find("events", "delete_rule", _MISSING, Name=name)


EVENT_RULE = ResourceType(
    token="aws:cloudwatch/eventRule:EventRule",
    source="hashicorp/terraform-provider-aws internal/service/events/rule.go",
    properties={"name": REQUIRED_FIXED, "eventPattern": Property(required=True, json=True), "tags": VALUE},
    computed=frozenset({"arn", "tagsAll"}),
    name="name", create=_create_rule, read=_read_rule, update=_update_rule, delete=_delete_rule,
)  # fmt: skip


def _put_target(aws: Aws, inputs: Object) -> str:
    answer = aws.call(
        "events", "put_targets", Rule=inputs["rule"], Targets=[{"Id": inputs["targetId"], "Arn": inputs["arn"]}]
    )
    if answer.get("FailedEntryCount"):
        raise refuse("ValidationException", str(answer["FailedEntries"]), "PutTargets")
    return f"{inputs['rule']}-{inputs['targetId']}"


def _read_target(aws: Aws, identifier: str, state: Object) -> Object | None:
    rule, target = state["rule"], state["targetId"]
    found = aws.find("events", "list_targets_by_rule", _MISSING, Rule=rule)
    arn = next((one["Arn"] for one in (found or {}).get("Targets", []) if one["Id"] == target), None)
    return {"rule": rule, "targetId": target, "arn": arn} if arn else None


def _update_target(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    _put_target(aws, new)


def _delete_target(aws: Aws, identifier: str, state: Object) -> None:
    aws.find("events", "remove_targets", _MISSING, Rule=state["rule"], Ids=[state["targetId"]])


def _imported_target(aws: Aws, given: str) -> tuple[str, Object]:
    rule, _, target = given.partition("/")
    return f"{rule}-{target}", {"rule": rule, "targetId": target}


EVENT_TARGET = ResourceType(
    token="aws:cloudwatch/eventTarget:EventTarget",
    source="hashicorp/terraform-provider-aws internal/service/events/target.go",
    properties={"rule": REQUIRED_FIXED, "targetId": FIXED, "arn": REQUIRED},
    create=_put_target, read=_read_target, update=_update_target, delete=_delete_target, imported=_imported_target,
)  # fmt: skip
