"""The database of keys and ledger: PostgreSQL of RDS in the private subnets, whose password nobody here ever sees.

RDS makes the password, keeps it in Secrets Manager and changes it every seven days; so it is in no state, no manifest
and no Secret of the cluster. The pods of the keys service ask for it by their own role.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_aws.ec2 import SecurityGroup
from pulumi_aws.rds import Instance, SubnetGroup
from pulumi_aws.vpc import SecurityGroupIngressRule

from slipway.catalog.aws_gateway import POSTGRES
from slipway.components.aws.scope import AwsScope
from slipway.environments.planning.aws.gateway import DATABASE_NAME, DATABASE_PORT, DATABASE_USER
from slipway.settings.aws_gateway import AwsDatabase
from slipway.values import names

_GIB = 2**30
_AUTHORITY = "rds-ca-rsa2048-g1"
"""Authority of the database's certificate; AWS's default, named so that it does not change by itself."""


@dataclass(frozen=True)
class LedgerDatabaseArgs:
    """`subnets`: private ones. `nodes`: security group of the nodes, which alone reach it. `key`: ARN, of its data."""

    scope: AwsScope
    settings: AwsDatabase
    vpc_id: pulumi.Input[str]
    subnets: Sequence[pulumi.Input[str]]
    nodes: pulumi.Input[str]
    key: pulumi.Input[str]


class LedgerDatabase(pulumi.ComponentResource):
    """The database. `host`: its name. `secret`: ARN of the secret with its user and password.

    It cannot be deleted before its deletion protection is switched off, which `slipway down` does; then a last
    snapshot stays. That is named after the network, which is another one each time that the environment is made.
    """

    host: pulumi.Output[str]
    secret: pulumi.Output[str]

    def __init__(self, name: str, args: LedgerDatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:LedgerDatabase", name, None, opts)
        self._args = args
        self._name = names.database(args.scope.environment)
        self._child = pulumi.ResourceOptions(parent=self)
        instance = self._instance(self._subnets(), self._group())
        self.host = instance.address
        self.secret = instance.master_user_secrets.apply(lambda secrets: str(secrets[0].secret_arn))
        self.register_outputs({"host": self.host, "secret": self.secret})

    def _tags(self, name: str) -> dict[str, str]:
        return {**self._args.scope.tags, "Name": name}

    def _subnets(self) -> SubnetGroup:
        return SubnetGroup(
            f"{self._args.scope.environment}-ledger-subnets",
            name=self._name,
            description=f"Private subnets of {names.cluster(self._args.scope.environment)}",
            subnet_ids=list(self._args.subnets),
            tags=self._tags(self._name),
            opts=self._child,
        )

    def _group(self) -> SecurityGroup:
        group = SecurityGroup(
            f"{self._args.scope.environment}-ledger-group",
            name=self._name,
            description="Database of keys and ledger, reached from the nodes",
            vpc_id=self._args.vpc_id,
            tags=self._tags(self._name),
            opts=self._child,
        )
        SecurityGroupIngressRule(
            f"{self._args.scope.environment}-ledger-from-nodes",
            security_group_id=group.id,
            description="PostgreSQL from the nodes",
            referenced_security_group_id=self._args.nodes,
            ip_protocol="tcp",
            from_port=DATABASE_PORT,
            to_port=DATABASE_PORT,
            tags=self._tags(f"{self._name}-from-nodes"),
            opts=self._child,
        )
        return group

    def _instance(self, subnets: SubnetGroup, group: SecurityGroup) -> Instance:
        settings = self._args.settings
        return Instance(
            f"{self._args.scope.environment}-ledger",
            identifier=self._name,
            engine="postgres",
            engine_version=POSTGRES,
            auto_minor_version_upgrade=True,
            instance_class=settings.instance_class,
            allocated_storage=settings.storage // _GIB,
            storage_type="gp3",
            storage_encrypted=True,
            kms_key_id=self._args.key,
            db_name=DATABASE_NAME,
            username=DATABASE_USER,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=self._args.key,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[group.id],
            publicly_accessible=False,
            ca_cert_identifier=_AUTHORITY,
            multi_az=settings.multi_az,
            backup_retention_period=settings.keep_days,
            copy_tags_to_snapshot=True,
            deletion_protection=True,
            skip_final_snapshot=False,
            final_snapshot_identifier=pulumi.Output.from_input(self._args.vpc_id).apply(
                lambda vpc: f"{self._name}-{vpc.removeprefix('vpc-')}"
            ),
            # A change waits for nobody's maintenance window: known keys are admitted meanwhile.
            apply_immediately=True,
            snapshot_identifier=settings.snapshot,
            tags=self._tags(self._name),
            # Of the snapshot only where it began counts: another name, or none, would have it replaced.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["snapshotIdentifier"]),
        )
