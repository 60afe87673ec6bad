"""Write IAM policies: statements with an id each, and a reason for every wildcard in them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Statement = dict[str, Any]

WILDCARDS: Mapping[str, str] = {
    "AccountManagesKey": "without it IAM policies could neither use nor ever delete the key; in a key's own policy `*` "
    "as the resource is the key itself",
    "LogsUseKey": "in a key's own policy `*` as the resource is the key itself",
    "NodesUseDisks": "in a key's own policy `*` as the resource is the key itself; the role that starts nodes is made "
    "by AWS with the first node group and cannot be named before: the conditions admit EC2 of this account only",
    "NodesAttachDisks": "as NodesUseDisks, and for disks only",
    "DenyWithoutTls": "a refusal covers every action and object",
    "ReachModelStore": "every object of this one bucket, for callers of the account whose own policies allow it",
    "ReachAccountsBuckets": "the policy of an endpoint narrows what others allow; the condition admits buckets and "
    "callers of the account only, and no role of the environment",
    "PullLayers": "layers are asked for with addresses that the registry signed, or by nobody; reading is all",
    "WriteFlowLogs": "the log streams of the group, which are named by AWS",
    "FindLogGroup": "the action that lists log groups knows no resources",
    "ReadOwnWeights": "every object below the model's own prefix",
    "StoreSamples": "every object in the folder of samples, for callers of the account whose own policies allow it",
    "WriteOwnSamples": "every object below the model's own prefixes for samples, one for each time that they are kept",
    "StartNodesFrom": "images are Amazon's; ids of subnets, groups and reservations are by AWS",
    "StartNodesByTemplates": "their ids are by AWS; the condition admits Karpenter's for this cluster only",
    "StartNodes": "their ids are by AWS; the condition wants the tags of Karpenter for this cluster",
    "TagNewNodes": "their ids are by AWS; the condition admits them while they are being made only",
    "TagNodes": "their ids are by AWS; the condition admits Karpenter's for this cluster, and three tags, only",
    "EndNodes": "their ids are by AWS; the condition admits Karpenter's for this cluster only",
    "DescribeNodes": "the actions that describe instances, images and networks know no resources",
    "ReadImages": "the parameters in which AWS publishes its images",
    "ReadPrices": "the action knows no resources",
    "ListProfiles": "the action that lists profiles knows no resources",
    "DescribeNetwork": "the actions that describe networks know no resources",
    "DescribeLoadBalancers": "the actions that describe load balancers know no resources",
    "MakeSecurityGroups": "their ids are by AWS; the condition wants the cluster's tag",
    "MakeSecurityGroupsInNetwork": "its id is by AWS; the condition admits the network of the environment only",
    "TagNewSecurityGroups": "their ids are by AWS; the condition admits them while they are being made only",
    "ChangeSecurityGroups": "their ids are by AWS; the condition admits those of this cluster only",
    "OpenNodesToLoadBalancers": "its id is by AWS; the condition admits the cluster's own security group only",
    "MakeLoadBalancers": "their ARNs end in an id by AWS; the condition wants the cluster's tag",
    "TagNewLoadBalancers": "their ARNs end in an id by AWS; the condition admits them while they are being made only",
    "MakeListeners": "their ARNs end in ids by AWS; they exist on load balancers only, of this account and region",
    "ChangeLoadBalancers": "their ARNs end in an id by AWS; the condition admits those of this cluster only",
    "RegisterTargets": "their ARNs end in an id by AWS; the condition admits those of this cluster only",
    "FindZones": "the action that lists zones knows no resources",
}
"""Why a statement has a `*` among its actions, resources or principals, by the statement's id."""


def statement(
    sid: str,
    actions: Sequence[str],
    resources: pulumi.Input[str] | Sequence[pulumi.Input[str]] | None = None,
    *,
    principal: Mapping[str, str] | None = None,
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
    effect: str = "Allow",
) -> Statement:
    """Return one statement; what is None is left out, as `resources` of a role's trust is.

    Raises:
        ValueError: there is a wildcard in it, and no reason for that in WILDCARDS.
    """
    named = [resources] if isinstance(resources, str) else resources if isinstance(resources, Sequence) else []
    written = [*actions, *named, *(principal or {}).values()]
    if sid not in WILDCARDS and any(isinstance(text, str) and "*" in text for text in written):
        raise ValueError(f"statement {sid} has a wildcard, and WILDCARDS no reason for it")
    given = {"Principal": principal, "Resource": resources, "Condition": conditions}
    return {
        "Sid": sid,
        "Effect": effect,
        "Action": list(actions),
        **{key: value for key, value in given.items() if value is not None},
    }


def document(*statements: Statement) -> pulumi.Output[str]:
    """Return a policy as JSON; statements may hold outputs."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)


def service_trust(service: str, account: str | None = None) -> str:
    """Return the trust of a role that an AWS service takes on; with `account`, on behalf of that account only."""
    only = {"StringEquals": {"aws:SourceAccount": account}} if account else None
    trust = statement("Trust", ["sts:AssumeRole"], principal={"Service": service}, conditions=only)
    return json.dumps({"Version": "2012-10-17", "Statement": [trust]}, sort_keys=True)


def pod_trust(account: str, cluster: str, namespace: str, service_account: str) -> str:
    """Return the trust of a role that pods of one ServiceAccount of one cluster take on, by EKS Pod Identity.

    The association of role and ServiceAccount says the same; here it holds even if somebody associates it elsewhere.
    """
    tags = {
        "eks-cluster-name": cluster,
        "kubernetes-namespace": namespace,
        "kubernetes-service-account": service_account,
    }
    only = {"aws:SourceAccount": account, **{f"aws:RequestTag/{key}": value for key, value in tags.items()}}
    trust = statement(
        "Trust",
        ["sts:AssumeRole", "sts:TagSession"],
        principal={"Service": "pods.eks.amazonaws.com"},
        conditions={"StringEquals": only},
    )
    return json.dumps({"Version": "2012-10-17", "Statement": [trust]}, sort_keys=True)
