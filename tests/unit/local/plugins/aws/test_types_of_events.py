"""Queues, rules that fill them, and profiles of instances, on moto without an engine."""

import json

import pytest

from slipway.local.plugins.aws import operations
from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.types.events import EVENT_TARGET
from slipway.local.plugins.protocol.errors import OperationError
from tests.support.made_in_aws import Made, unique
from tests.unit.local.plugins.aws.test_types_of_keys_roles_and_buckets import role

_TAGS = {"slipway:environment": "dev"}
_SPOT = json.dumps({"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]})


def queue(aws: Aws) -> Made:
    inputs = {"name": unique("queue"), "messageRetentionSeconds": 300, "sqsManagedSseEnabled": True, "tags": _TAGS}
    return Made(aws, "sqs/queue:Queue", inputs)


def rule(aws: Aws) -> Made:
    return Made(aws, "cloudwatch/eventRule:EventRule", {"name": unique("spot"), "eventPattern": _SPOT, "tags": _TAGS})


def test_a_queue_is_changed_in_place_and_seen(shared: Aws) -> None:
    made = queue(shared)
    assert made.state["arn"].endswith(f":{made.inputs['name']}")
    assert made.seen() == made.inputs
    changed = made.change(messageRetentionSeconds=600, tags={"a": "b"})
    assert (changed["messageRetentionSeconds"], changed["tags"]) == (600, {"a": "b"})
    assert made.replaced_by(name="other") == ["name"]
    made.delete()


def test_a_policy_of_a_queue_is_put_and_taken_off(shared: Aws) -> None:
    made = queue(shared)
    said = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]}
    policy = Made(shared, "sqs/queuePolicy:QueuePolicy", {"queueUrl": made.id, "policy": json.dumps(said)})
    assert json.loads(policy.seen()["policy"]) == said
    policy.delete()
    made.delete()


def test_a_rule_fills_a_queue_and_is_not_deleted_while_it_does(shared: Aws) -> None:
    made, events = queue(shared), rule(shared)
    target = Made(
        shared,
        "cloudwatch/eventTarget:EventTarget",
        {"rule": events.id, "targetId": "karpenter", "arn": made.state["arn"]},
    )
    assert target.seen() == target.inputs
    with pytest.raises(OperationError, match="has targets"):
        operations.delete(events.kind, shared, events.id, events.state)
    target.delete()
    assert json.loads(events.seen()["eventPattern"]) == json.loads(_SPOT)
    assert events.change(eventPattern=_SPOT.replace("Spot ", ""), tags={})["tags"] == {}
    events.delete()


def test_a_target_is_imported_by_its_rule_and_its_own_name() -> None:
    assert EVENT_TARGET.imported is not None
    found = EVENT_TARGET.imported(None, "slipway-dev-spot/karpenter")  # type: ignore[arg-type]
    assert found == ("slipway-dev-spot-karpenter", {"rule": "slipway-dev-spot", "targetId": "karpenter"})


def test_a_profile_gets_another_role_in_place(shared: Aws) -> None:
    first, second = role(shared), role(shared)
    profile = Made(shared, "iam/instanceProfile:InstanceProfile", {"name": unique("nodes"), "role": first.id})
    assert profile.seen() == profile.inputs
    assert profile.change(role=second.id)["role"] == second.id
    profile.delete()
    first.delete()
