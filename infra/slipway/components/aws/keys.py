"""The encryption keys of an environment: one for each kind of data, so that nobody can use one that is not for them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws.kms import Alias, Key

from slipway.components.aws.iam.policies import Statement, document, statement
from slipway.values import names

_WINDOW_DAYS = 30
"""How long a deleted key can be had back; the longest that there is."""
_USE = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]


@dataclass(frozen=True)
class KeysArgs:
    """`log_groups`: names of the groups of CloudWatch that are encrypted."""

    environment: str
    account: str
    region: str
    tags: Mapping[str, str]
    log_groups: tuple[str, ...]


class Keys(pulumi.ComponentResource):
    """Four keys, rotated each year.

    `secrets`: of the cluster's Secrets. `logs`: of log groups. `disks`: of nodes. `models`: of weights and images.
    The last is protected, since the bucket that it encrypts is.
    """

    secrets: pulumi.Output[str]
    logs: pulumi.Output[str]
    disks: pulumi.Output[str]
    models: pulumi.Output[str]

    def __init__(self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:Keys", name, None, opts)
        self.secrets = self._key(args, "secrets", "Secrets of the cluster", [])
        self.logs = self._key(args, "logs", "Log groups", [_logs(args)])
        self.disks = self._key(args, "disks", "Disks of nodes", _disks(args))
        self.models = self._key(args, "models", "Weights and images of models", [], protect=True)
        self.register_outputs({"secrets": self.secrets, "logs": self.logs, "disks": self.disks, "models": self.models})

    def _key(
        self, args: KeysArgs, use: str, description: str, statements: list[Statement], *, protect: bool = False
    ) -> pulumi.Output[str]:
        opts = pulumi.ResourceOptions(parent=self, protect=protect)
        alias = f"alias/{names.cluster(args.environment)}-{use}"
        key = Key(
            f"{args.environment}-{use}-key",
            description=f"{description} of {names.cluster(args.environment)}",
            deletion_window_in_days=_WINDOW_DAYS,
            enable_key_rotation=True,
            policy=document(_account(args), *statements),
            tags={**args.tags, "Name": alias.removeprefix("alias/")},
            opts=opts,
        )
        Alias(f"{args.environment}-{use}-alias", name=alias, target_key_id=key.key_id, opts=opts)
        return key.arn


def _account(args: KeysArgs) -> Statement:
    root = {"AWS": f"arn:aws:iam::{args.account}:root"}
    return statement("AccountManagesKey", ["kms:*"], "*", principal=root)


def _logs(args: KeysArgs) -> Statement:
    groups = [f"arn:aws:logs:{args.region}:{args.account}:log-group:{group}" for group in args.log_groups]
    return statement(
        "LogsUseKey",
        [*_USE, "kms:Encrypt", "kms:GenerateDataKey"],
        "*",
        principal={"Service": f"logs.{args.region}.amazonaws.com"},
        conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )


def _disks(args: KeysArgs) -> list[Statement]:
    """Let EC2 use the key for whoever of the account may start nodes, as the policy of AWS's own key for disks does."""
    through_ec2 = {
        "kms:CallerAccount": args.account,
        "kms:ViaService": f"ec2.{args.region}.amazonaws.com",
    }
    anybody = {"AWS": "*"}
    disks = {"StringEquals": through_ec2, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        statement("NodesUseDisks", _USE, "*", principal=anybody, conditions={"StringEquals": through_ec2}),
        statement("NodesAttachDisks", ["kms:CreateGrant"], "*", principal=anybody, conditions=disks),
    ]
