"""A record of who talked to whom in an environment's network."""

from dataclasses import dataclass

import pulumi
from pulumi_aws.cloudwatch import LogGroup
from pulumi_aws.ec2 import FlowLog
from pulumi_aws.iam import Role, RolePolicy

from slipway.components.aws.iam.policies import document, service_trust, statement
from slipway.components.aws.scope import AwsScope
from slipway.values import names

_RETENTION_DAYS = 30
_INTERVAL_S = 600
"""The longer of the two intervals that there are: a tenth of the records, and so of their cost."""


@dataclass(frozen=True)
class FlowLogsArgs:
    """`key`: ARN of the key of logs."""

    scope: AwsScope
    vpc_id: pulumi.Input[str]
    key: pulumi.Input[str]


class FlowLogs(pulumi.ComponentResource):
    """Flow logs of the VPC, kept for 30 days, and the role that writes them and nothing else."""

    def __init__(self, name: str, args: FlowLogsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:FlowLogs", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        group_name = names.flow_logs(args.scope.environment)
        group = LogGroup(
            f"{args.scope.environment}-flow-logs",
            name=group_name,
            retention_in_days=_RETENTION_DAYS,
            kms_key_id=args.key,
            tags={**args.scope.tags, "Name": group_name},
            opts=child,
        )
        role_name = names.role(args.scope.environment, "flow-logs")
        role = Role(
            f"{args.scope.environment}-flow-logs-role",
            name=role_name,
            assume_role_policy=service_trust("vpc-flow-logs.amazonaws.com", args.scope.account),
            tags={**args.scope.tags, "Name": role_name},
            opts=child,
        )
        arn = f"arn:aws:logs:{args.scope.region}:{args.scope.account}:log-group:{group_name}"
        write = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        # As in AWS's own policy for such a role (Amazon VPC User Guide, "IAM role for publishing flow logs").
        find = statement("FindLogGroup", ["logs:DescribeLogGroups"], "*")
        policy = RolePolicy(
            f"{args.scope.environment}-flow-logs-write",
            name="write-flow-logs",
            role=role.name,
            policy=document(statement("WriteFlowLogs", write, [arn, f"{arn}:*"]), find),
            opts=child,
        )
        FlowLog(
            f"{args.scope.environment}-flow-log",
            vpc_id=args.vpc_id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=_INTERVAL_S,
            tags={**args.scope.tags, "Name": f"{names.cluster(args.scope.environment)}-flow-logs"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
        self.register_outputs({})
