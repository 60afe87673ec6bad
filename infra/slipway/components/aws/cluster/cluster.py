"""The EKS cluster of an environment: its control plane, who may enter, and what it writes down."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws.cloudwatch import LogGroup
from pulumi_aws.eks import (
    AccessEntry,
    AccessPolicyAssociation,
    AccessPolicyAssociationAccessScopeArgs,
    Cluster,
    ClusterAccessConfigArgs,
    ClusterEncryptionConfigArgs,
    ClusterEncryptionConfigProviderArgs,
    ClusterKubernetesNetworkConfigArgs,
    ClusterUpgradePolicyArgs,
    ClusterVpcConfigArgs,
)
from pulumi_aws.iam import Role, RolePolicy, RolePolicyAttachment
from pulumi_aws.vpc import SecurityGroupIngressRule

from slipway.aws.kubeconfig import kubeconfig
from slipway.components.aws.consistency import known_later
from slipway.components.aws.iam.policies import document, service_trust, statement
from slipway.components.aws.scope import AwsScope
from slipway.settings.aws_operation import Access, AccessLevel, Logging
from slipway.values import names
from slipway.values.cidrs import SERVICE_RANGE

HTTPS = 443
_OF_LOGS = ("kmsKeyId", "retentionInDays", "tags", "tagsAll")
"""What a group that EKS made has not as the program wants it."""
_POLICY = "arn:aws:eks::aws:cluster-access-policy/"
_ADMINISTRATOR = f"{_POLICY}AmazonEKSClusterAdminPolicy"
_LEVELS: Mapping[AccessLevel, str] = {
    "view": f"{_POLICY}AmazonEKSViewPolicy",
    "edit": f"{_POLICY}AmazonEKSEditPolicy",
    "admin": f"{_POLICY}AmazonEKSAdminPolicy",
}
"""EKS's own policies; each is Kubernetes' role of the same name."""


@dataclass(frozen=True)
class EksClusterArgs:
    """What the cluster is made of.

    `administrators`: ARNs of IAM roles. The role that runs `slipway up` has to be one of them: whoever creates the
    cluster gets no access by that, so that access is what is written down and nothing else, and the platform inside the
    cluster is installed with the caller's own access.
    `access`: roles that may do less. `protect`: whether AWS refuses to delete the cluster.
    `public_cidrs`: who reaches the API server from the internet; nobody when empty. `private_cidrs`,
    `security_groups`: who reaches its private address. EKS lets in the nodes only, so that without them `slipway up`
    cannot reach it from inside the network either.
    `security_groups` has ids by the names that their rules get. `secrets_key`, `logs_key`: ARNs of keys.
    `taken_over`: names of groups of logs that are there already, and stay as they are in this run.
    """

    scope: AwsScope
    subnets: tuple[pulumi.Input[str], ...]
    public_cidrs: tuple[str, ...]
    private_cidrs: tuple[str, ...]
    security_groups: Mapping[str, pulumi.Input[str]]
    administrators: tuple[str, ...]
    access: tuple[Access, ...]
    logging: Logging
    protect: bool
    secrets_key: pulumi.Input[str]
    logs_key: pulumi.Input[str]
    taken_over: Collection[str] = ()


class EksCluster(pulumi.ComponentResource):
    """The control plane.

    `cluster_name`: known once it is there. `nodes_group`: the security group that EKS gives its nodes. `kubeconfig`:
    JSON, without credentials: whoever uses it proves with the AWS CLI who they are. `access`: resources that what talks
    to the cluster depends on, the rules that let it through among them.
    """

    cluster_name: pulumi.Output[str]
    nodes_group: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    access: list[pulumi.Resource]

    def __init__(self, name: str, args: EksClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:EksCluster", name, None, opts)
        role, allowed = self._role(args)
        logs = self._logs(args)
        cluster = self._cluster(args, role, [*allowed, logs])
        self.cluster_name = cluster.name
        self.nodes_group = cluster.vpc_config.apply(lambda network: str(network.cluster_security_group_id))
        self.access = [*self._doors(args), *self._access(args, cluster)]
        self.kubeconfig = pulumi.Output.all(
            endpoint=cluster.endpoint, authority=cluster.certificate_authority.data
        ).apply(lambda of: kubeconfig(args.scope.environment, args.scope.region, of["endpoint"], of["authority"]))
        self.register_outputs({"cluster_name": self.cluster_name, "kubeconfig": self.kubeconfig})

    def _role(self, args: EksClusterArgs) -> tuple[Role, list[pulumi.Resource]]:
        child = pulumi.ResourceOptions(parent=self)
        role_name = names.role(args.scope.environment, "cluster")
        role = Role(
            f"{args.scope.environment}-cluster-role",
            name=role_name,
            assume_role_policy=service_trust("eks.amazonaws.com", args.scope.account),
            tags={**args.scope.tags, "Name": role_name},
            opts=child,
        )
        managed = RolePolicyAttachment(
            f"{args.scope.environment}-cluster-policy",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy",
            opts=child,
        )
        use = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ListGrants"]
        secrets = RolePolicy(
            f"{args.scope.environment}-cluster-secrets",
            name="encrypt-secrets",
            role=role.name,
            policy=document(statement("EncryptSecrets", use, args.secrets_key)),
            opts=child,
        )
        return role, [managed, secrets]

    def _logs(self, args: EksClusterArgs) -> LogGroup:
        """The log group before the cluster writes to it: EKS would make one that is not encrypted and kept for ever.

        One that EKS made is taken over with what is written in it.
        """
        name = names.control_plane_logs(args.scope.environment)
        there = name in args.taken_over
        return LogGroup(
            f"{args.scope.environment}-cluster-logs",
            name=name,
            # The class that is given to whoever names none: a group that is taken over has to be of it by name.
            log_group_class="STANDARD",
            retention_in_days=args.logging.keep,
            kms_key_id=args.logs_key,
            tags={**args.scope.tags, "Name": name},
            opts=pulumi.ResourceOptions(
                parent=self, import_=name if there else None, ignore_changes=list(_OF_LOGS) if there else None
            ),
        )

    def _cluster(self, args: EksClusterArgs, role: Role, first: list[pulumi.Resource]) -> Cluster:
        return Cluster(
            f"{args.scope.environment}-cluster",
            name=names.cluster(args.scope.environment),
            version=args.scope.kubernetes_version,
            role_arn=role.arn,
            access_config=ClusterAccessConfigArgs(
                authentication_mode="API", bootstrap_cluster_creator_admin_permissions=False
            ),
            # Add-ons come by our own list and versions.
            bootstrap_self_managed_addons=False,
            enabled_cluster_log_types=list(args.logging.types),
            # False is said too: left out, the provider would not take off what is on.
            deletion_protection=args.protect,
            encryption_config=ClusterEncryptionConfigArgs(
                provider=ClusterEncryptionConfigProviderArgs(key_arn=args.secrets_key), resources=["secrets"]
            ),
            kubernetes_network_config=ClusterKubernetesNetworkConfigArgs(service_ipv4_cidr=str(SERVICE_RANGE)),
            # Else AWS raises the version by itself on the day that standard support ends. Extended support costs six
            # times as much: the plan warns of it, and the price has it.
            upgrade_policy=ClusterUpgradePolicyArgs(support_type="EXTENDED"),
            vpc_config=ClusterVpcConfigArgs(
                subnet_ids=list(args.subnets),
                endpoint_private_access=True,
                endpoint_public_access=bool(args.public_cidrs),
                public_access_cidrs=list(args.public_cidrs) or None,
            ),
            tags={**args.scope.tags, "Name": names.cluster(args.scope.environment)},
            opts=pulumi.ResourceOptions(parent=self, depends_on=first),
        )

    def _doors(self, args: EksClusterArgs) -> list[pulumi.Resource]:
        """The rules by which the API server's private address is reached; the group itself is EKS's, with its nodes."""
        ranges = [(cidr.replace("/", "-"), f"HTTPS from {cidr}", cidr, None) for cidr in args.private_cidrs]
        groups = [(name, f"HTTPS from {name}", None, group) for name, group in args.security_groups.items()]
        return [
            SecurityGroupIngressRule(
                f"{args.scope.environment}-api-{name}",
                security_group_id=self.nodes_group,
                description=described,
                cidr_ipv4=cidr,
                referenced_security_group_id=group,
                ip_protocol="tcp",
                from_port=HTTPS,
                to_port=HTTPS,
                tags={**args.scope.tags, "Name": f"{names.cluster(args.scope.environment)}-api-{name}"},
                opts=pulumi.ResourceOptions(parent=self),
            )
            for name, described, cidr, group in [*ranges, *groups]
        ]

    def _access(self, args: EksClusterArgs, cluster: Cluster) -> list[pulumi.Resource]:
        everything = AccessPolicyAssociationAccessScopeArgs(type="cluster")
        made = [
            self._entry(args.scope, cluster, role, "administrator", _ADMINISTRATOR, everything)
            for role in args.administrators
        ]
        for access in args.access:
            some = AccessPolicyAssociationAccessScopeArgs(type="namespace", namespaces=list(access.namespaces))
            policy, scope = _LEVELS[access.level], some if access.namespaces else everything
            made.append(self._entry(args.scope, cluster, access.role, access.level, policy, scope))
        return made

    def _entry(
        self,
        scope: AwsScope,
        cluster: Cluster,
        role: str,
        level: str,
        policy: str,
        where: AccessPolicyAssociationAccessScopeArgs,
    ) -> pulumi.Resource:
        """Let a role in, and say what it may do."""
        short = role.partition(":role/")[2].replace("/", "-")
        entry = AccessEntry(
            f"{scope.environment}-{short}-entry",
            cluster_name=cluster.name,
            principal_arn=role,
            type="STANDARD",
            tags=dict(scope.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return AccessPolicyAssociation(
            f"{scope.environment}-{short}-{level}",
            cluster_name=cluster.name,
            principal_arn=role,
            policy_arn=policy,
            access_scope=where,
            # AWS writes over an association that is there: deleting the old one afterwards would take the new one away.
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[entry], delete_before_replace=True, hooks=known_later()
            ),
        )
