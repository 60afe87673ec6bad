"""The encryption keys of an environment: one for each kind of data, so that nobody can use one that is not for them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws.kms import Alias, Key

from slipway.components.aws.iam.policies import Statement, document, statement
from slipway.components.aws.scope import AwsScope
from slipway.environments.planning.aws.charges import EncryptedData
from slipway.values import names

_WINDOW_DAYS = 30
"""How long a deleted key can be had back; the longest that there is."""
_DESCRIPTIONS: Mapping[EncryptedData, str] = {
    "secrets": "Secrets of the cluster",
    "logs": "Log groups",
    "disks": "Disks of nodes",
    "models": "Weights and images of models",
    "ledger": "Database of keys and ledger",
}
_OUTLIVING: tuple[EncryptedData, ...] = ("models", "ledger")
_USE = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]


@dataclass(frozen=True)
class KeysArgs:
    """`uses`: the kinds of data. `log_groups`: names of the groups of CloudWatch that are encrypted."""

    scope: AwsScope
    uses: tuple[EncryptedData, ...]
    log_groups: tuple[str, ...]


class Keys(pulumi.ComponentResource):
    """One key for each kind of data, rotated each year.

    That of models is protected, as the bucket it encrypts is, and that of the ledger, whose last snapshot outlives it.

    `arns`: of the keys.
    """

    arns: Mapping[EncryptedData, pulumi.Output[str]]

    def __init__(self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:Keys", name, None, opts)
        users: Mapping[str, list[Statement]] = {"logs": [_logs(args)], "disks": _disks(args)}
        self.arns = {use: self._key(args, use, users.get(use, [])) for use in args.uses}
        self.register_outputs({str(use): arn for use, arn in self.arns.items()})

    def _key(self, args: KeysArgs, use: EncryptedData, statements: list[Statement]) -> pulumi.Output[str]:
        opts = pulumi.ResourceOptions(parent=self, protect=use in _OUTLIVING)
        alias = f"alias/{names.cluster(args.scope.environment)}-{use}"
        key = Key(
            f"{args.scope.environment}-{use}-key",
            description=f"{_DESCRIPTIONS[use]} of {names.cluster(args.scope.environment)}",
            deletion_window_in_days=_WINDOW_DAYS,
            enable_key_rotation=True,
            policy=document(_account(args), *statements),
            tags={**args.scope.tags, "Name": alias.removeprefix("alias/")},
            opts=opts,
        )
        Alias(f"{args.scope.environment}-{use}-alias", name=alias, target_key_id=key.key_id, opts=opts)
        return key.arn


def _account(args: KeysArgs) -> Statement:
    root = {"AWS": f"arn:aws:iam::{args.scope.account}:root"}
    return statement("AccountManagesKey", ["kms:*"], "*", principal=root)


def _logs(args: KeysArgs) -> Statement:
    groups = [f"arn:aws:logs:{args.scope.region}:{args.scope.account}:log-group:{group}" for group in args.log_groups]
    return statement(
        "LogsUseKey",
        [*_USE, "kms:Encrypt", "kms:GenerateDataKey"],
        "*",
        principal={"Service": f"logs.{args.scope.region}.amazonaws.com"},
        conditions={"ArnEquals": {"kms:EncryptionContext:aws:logs:arn": groups}},
    )


def _disks(args: KeysArgs) -> list[Statement]:
    """Let EC2 use the key for whoever of the account may start nodes, as the policy of AWS's own key for disks does."""
    through_ec2 = {
        "kms:CallerAccount": args.scope.account,
        "kms:ViaService": f"ec2.{args.scope.region}.amazonaws.com",
    }
    anybody = {"AWS": "*"}
    disks = {"StringEquals": through_ec2, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    return [
        statement("NodesUseDisks", _USE, "*", principal=anybody, conditions={"StringEquals": through_ec2}),
        statement("NodesAttachDisks", ["kms:CreateGrant"], "*", principal=anybody, conditions=disks),
    ]
