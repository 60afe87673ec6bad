"""The queue by which AWS tells Karpenter of nodes that it takes back, so that they are drained before they go."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws.cloudwatch import EventRule, EventTarget
from pulumi_aws.sqs import Queue, QueuePolicy

from slipway.components.aws.iam.policies import document, statement
from slipway.components.aws.scope import AwsScope
from slipway.environments.planning.aws.karpenter import queue
from slipway.values import names

_RETENTION_S = 300
"""Notice of a spot node is two minutes: what is older is about nodes that are gone."""

_EVENTS: Mapping[str, Mapping[str, Any]] = {
    "health": {"source": ["aws.health"], "detail-type": ["AWS Health Event"]},
    "rebalance": {"source": ["aws.ec2"], "detail-type": ["EC2 Instance Rebalance Recommendation"]},
    "reservation": {
        "source": ["aws.ec2"],
        "detail-type": ["EC2 Capacity Reservation Instance Interruption Warning"],
    },
    "spot": {"source": ["aws.ec2"], "detail-type": ["EC2 Spot Instance Interruption Warning"]},
    "state": {"source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"]},
}
"""What Karpenter reads (github.com/aws/karpenter-provider-aws v1.12.1, pkg/controllers/interruption/messages)."""


@dataclass(frozen=True)
class InterruptionsArgs:
    """Where it is."""

    scope: AwsScope


class Interruptions(pulumi.ComponentResource):
    """The queue and the rules that fill it. `queue`: its name, known once everything of it is there."""

    queue: pulumi.Output[str]

    def __init__(self, name: str, args: InterruptionsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:Interruptions", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        environment = args.scope.environment
        made = Queue(
            f"{environment}-interruptions",
            name=queue(environment),
            message_retention_seconds=_RETENTION_S,
            sqs_managed_sse_enabled=True,
            tags={**args.scope.tags, "Name": queue(environment)},
            opts=child,
        )
        parts: list[pulumi.Resource] = [self._policy(args.scope, made, child)]
        parts += [self._rule(args.scope, what, pattern, made, child) for what, pattern in _EVENTS.items()]
        self.queue = pulumi.Output.all(made.name, *(part.urn for part in parts)).apply(lambda known: str(known[0]))
        self.register_outputs({"queue": self.queue})

    def _policy(self, scope: AwsScope, made: Queue, child: pulumi.ResourceOptions) -> QueuePolicy:
        """Events of this account only, and nothing in clear."""
        events = statement(
            "EventsComeIn",
            ["sqs:SendMessage"],
            made.arn,
            principal={"Service": "events.amazonaws.com"},
            conditions={"StringEquals": {"aws:SourceAccount": scope.account}},
        )
        clear = statement(
            "DenyWithoutTls",
            ["sqs:*"],
            made.arn,
            principal={"AWS": "*"},
            conditions={"Bool": {"aws:SecureTransport": "false"}},
            effect="Deny",
        )
        return QueuePolicy(
            f"{scope.environment}-interruptions-policy", queue_url=made.id, policy=document(events, clear), opts=child
        )

    def _rule(
        self, scope: AwsScope, what: str, pattern: Mapping[str, Any], made: Queue, child: pulumi.ResourceOptions
    ) -> EventTarget:
        name = f"{names.cluster(scope.environment)}-{what}"
        rule = EventRule(
            f"{scope.environment}-{what}-events",
            name=name,
            event_pattern=json.dumps(pattern, sort_keys=True),
            tags={**scope.tags, "Name": name},
            opts=child,
        )
        return EventTarget(
            f"{scope.environment}-{what}-target", rule=rule.name, target_id="karpenter", arn=made.arn, opts=child
        )
