"""EKS's own add-ons of an environment's cluster: before the nodes, what a node needs to become ready; then the rest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_aws.eks import Addon, AddonPodIdentityAssociationArgs
from pulumi_aws.iam import Role, RolePolicyAttachment

from slipway.catalog.platform_pins import EKS
from slipway.components.aws.iam.policies import pod_trust
from slipway.components.aws.scope import AwsScope
from slipway.environments.planning.aws.node_groups import SYSTEM_TAINT
from slipway.values import names

BEFORE_NODES = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
AFTER_NODES = ("coredns", "aws-ebs-csi-driver", "metrics-server", "eks-node-monitoring-agent")

_TOLERATION = {"key": SYSTEM_TAINT["key"], "operator": "Exists"}
_CONFIGURATION: Mapping[str, Mapping[str, Any]] = {
    # A node gets prefixes of 16 addresses, not single ones: else its type would say how few pods it takes.
    "vpc-cni": {
        "enableNetworkPolicy": "true",
        "env": {"ENABLE_PREFIX_DELEGATION": "true", "WARM_PREFIX_TARGET": "1"},
    },
    "metrics-server": {"tolerations": [_TOLERATION]},
    # It sees faults of GPUs through a part of its own, which the taint of nodes with GPUs would keep away.
    "eks-node-monitoring-agent": {"dcgmAgent": {"tolerations": [{"operator": "Exists"}]}},
}


@dataclass(frozen=True)
class _Access:
    """Who of an add-on calls AWS: its ServiceAccount in kube-system, and the AWS-managed policy that it needs."""

    service_account: str
    policy: str


_ACCESS: Mapping[str, _Access] = {
    "vpc-cni": _Access("aws-node", "AmazonEKS_CNI_Policy"),
    "aws-ebs-csi-driver": _Access("ebs-csi-controller-sa", "service-role/AmazonEBSCSIDriverPolicy"),
}
"""Roles of their own, so that nodes need not have these permissions, nor every pod on them."""


@dataclass(frozen=True)
class AddonsArgs:
    """`addons`: which, all at the version pinned for `kubernetes_version`. `needs`: what has to be there before."""

    scope: AwsScope
    cluster_name: pulumi.Input[str]
    addons: tuple[str, ...]
    needs: tuple[pulumi.Resource, ...] = ()


class Addons(pulumi.ComponentResource):
    """Some of the add-ons, each with a role of its own where it calls AWS."""

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:aws:Addons", name, None, opts)
        for addon in args.addons:
            self._addon(args, addon)
        self.register_outputs({})

    def _addon(self, args: AddonsArgs, addon: str) -> None:
        configuration = _CONFIGURATION.get(addon)
        associations, attached = self._role(args, addon, _ACCESS[addon]) if addon in _ACCESS else ([], [])
        Addon(
            f"{args.scope.environment}-{addon}",
            cluster_name=args.cluster_name,
            addon_name=addon,
            addon_version=EKS[args.scope.kubernetes_version].addons[addon],
            configuration_values=json.dumps(configuration) if configuration else None,
            pod_identity_associations=associations or None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags={**args.scope.tags, "Name": f"{names.cluster(args.scope.environment)}-{addon}"},
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*args.needs, *attached]),
        )

    def _role(
        self, args: AddonsArgs, addon: str, access: _Access
    ) -> tuple[list[AddonPodIdentityAssociationArgs], list[pulumi.Resource]]:
        child = pulumi.ResourceOptions(parent=self)
        role_name = names.role(args.scope.environment, addon)
        role = Role(
            f"{args.scope.environment}-{addon}-role",
            name=role_name,
            assume_role_policy=pod_trust(
                args.scope.account, names.cluster(args.scope.environment), "kube-system", access.service_account
            ),
            tags={**args.scope.tags, "Name": role_name},
            opts=child,
        )
        policy = RolePolicyAttachment(
            f"{args.scope.environment}-{addon}-policy",
            role=role.name,
            policy_arn=f"arn:aws:iam::aws:policy/{access.policy}",
            opts=child,
        )
        association = AddonPodIdentityAssociationArgs(role_arn=role.arn, service_account=access.service_account)
        return [association], [policy]
