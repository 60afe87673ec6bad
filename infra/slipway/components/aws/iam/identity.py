"""Who pods are to AWS: a role for one ServiceAccount of one cluster, by EKS Pod Identity."""

from dataclasses import dataclass

import pulumi
from pulumi_aws.eks import PodIdentityAssociation
from pulumi_aws.iam import Role, RolePolicy

from slipway.components.aws.consistency import known_later
from slipway.components.aws.iam.policies import Statement, document, pod_trust, statement
from slipway.components.aws.scope import AwsScope
from slipway.delivery.samples import prefix_of
from slipway.environments.planning.model_store import SAMPLES
from slipway.spec.capture import KEEPS
from slipway.values import names


@dataclass(frozen=True)
class IdentityArgs:
    """`user`: names the role. `cluster_name`: of a cluster that is there. `policy`: what the pods may do."""

    scope: AwsScope
    user: str
    cluster_name: pulumi.Input[str]
    namespace: str
    service_account: str
    policy: tuple[Statement, ...]


class Identity(pulumi.ComponentResource):
    """The role and its association. Pods get it when they start and never later, so they depend on this component."""

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:Identity", name, None, opts)
        role_name = names.role(args.scope.environment, args.user)
        cluster = names.cluster(args.scope.environment)
        role = Role(
            f"{name}-role",
            name=role_name,
            assume_role_policy=pod_trust(args.scope.account, cluster, args.namespace, args.service_account),
            tags={**args.scope.tags, "Name": role_name},
            opts=pulumi.ResourceOptions(parent=self),
        )
        policy = RolePolicy(
            f"{name}-policy",
            name=args.user,
            role=role.name,
            policy=document(*args.policy),
            opts=pulumi.ResourceOptions(parent=self),
        )
        PodIdentityAssociation(
            f"{name}-association",
            cluster_name=args.cluster_name,
            namespace=args.namespace,
            service_account=args.service_account,
            role_arn=role.arn,
            tags={**args.scope.tags, "Name": role_name},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy], hooks=known_later()),
        )
        self.register_outputs({})


def read_own_weights(bucket: str, region: str, model: str, key: pulumi.Input[str]) -> tuple[Statement, ...]:
    """Return what a model may do: read what is below its own prefix of the bucket, and decrypt it there."""
    arn = f"arn:aws:s3:::{bucket}"
    through_s3 = {"kms:ViaService": f"s3.{region}.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": arn}
    return (
        statement("ReadOwnWeights", ["s3:GetObject", "s3:GetObjectVersion"], f"{arn}/{model}/*"),
        statement("ListOwnWeights", ["s3:ListBucket"], arn, conditions={"StringLike": {"s3:prefix": f"{model}/*"}}),
        statement("DecryptWeights", ["kms:Decrypt"], key, conditions={"StringEquals": through_s3}),
    )


def write_own_samples(bucket: str, region: str, model: str, key: pulumi.Input[str]) -> tuple[Statement, ...]:
    """Return what a model may do that keeps samples: put objects below its own prefixes for them, and read none."""
    arn = f"arn:aws:s3:::{bucket}"
    through_s3 = {"kms:ViaService": f"s3.{region}.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": arn}
    places = [f"{arn}/{prefix_of(SAMPLES, keep, model)}/*" for keep in KEEPS]
    return (
        statement("WriteOwnSamples", ["s3:PutObject"], places),
        statement("EncryptSamples", ["kms:GenerateDataKey"], key, conditions={"StringEquals": through_s3}),
    )
