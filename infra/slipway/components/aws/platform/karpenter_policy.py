"""What Karpenter may do in AWS: start, tag and end nodes of its own cluster, and hear which of them AWS takes back.

Facts: karpenter.sh, reference of its CloudFormation template, and the calls of github.com/aws/karpenter-provider-aws
v1.12.1 (pkg/aws/sdk.go). It makes no instance profiles: that of the nodes is the environment's.
"""

from slipway.components.aws.iam.policies import Statement, statement
from slipway.components.aws.platform.policies import Place
from slipway.values import names

_POOL_TAG = "karpenter.sh/nodepool"
_CLUSTER_TAG = "eks:eks-cluster-name"
_MADE = ("fleet", "instance", "volume", "network-interface", "launch-template", "spot-instances-request")
_USED = ("security-group", "subnet", "capacity-reservation")
_START = ["ec2:RunInstances", "ec2:CreateFleet"]


def karpenter(place: Place) -> tuple[Statement, ...]:
    """The statements of its role."""
    return (*_start(place), *_change(place), *_look(place))


def _owned(place: Place, kind: str) -> dict[str, dict[str, str | list[str]]]:
    """Condition: what it is about has (`Resource`), or gets (`Request`), the tags of this cluster's Karpenter."""
    return {
        "StringEquals": {f"aws:{kind}Tag/kubernetes.io/cluster/{place.cluster}": "owned"},
        "StringLike": {f"aws:{kind}Tag/{_POOL_TAG}": "*"},
    }


def _new(place: Place, **more: str | list[str]) -> dict[str, dict[str, str | list[str]]]:
    wanted = _owned(place, "Request")
    wanted["StringEquals"] |= {f"aws:RequestTag/{_CLUSTER_TAG}": place.cluster, **more}
    return wanted


def _start(place: Place) -> tuple[Statement, ...]:
    images = [f"arn:aws:ec2:{place.region}::{kind}/*" for kind in ("image", "snapshot")]
    made = [place.arn("ec2", f"{kind}/*") for kind in _MADE]
    making = {"ec2:CreateAction": ["RunInstances", "CreateFleet", "CreateLaunchTemplate"]}
    return (
        statement("StartNodesFrom", _START, [*images, *(place.arn("ec2", f"{kind}/*") for kind in _USED)]),
        statement(
            "StartNodesByTemplates",
            _START,
            place.arn("ec2", "launch-template/*"),
            conditions=_owned(place, "Resource"),
        ),
        statement("StartNodes", [*_START, "ec2:CreateLaunchTemplate"], made, conditions=_new(place)),
        statement("TagNewNodes", ["ec2:CreateTags"], made, conditions=_new(place, **making)),
        statement(
            "GiveNodesTheirRole",
            ["iam:PassRole"],
            f"arn:aws:iam::{place.account}:role/{names.role(place.environment, 'nodes')}",
            conditions={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
        ),
    )


def _change(place: Place) -> tuple[Statement, ...]:
    own, instances = _owned(place, "Resource"), place.arn("ec2", "instance/*")
    only: dict[str, dict[str, str | list[str]]] = {
        **own,
        "StringEqualsIfExists": {f"aws:RequestTag/{_CLUSTER_TAG}": place.cluster},
        "ForAllValues:StringEquals": {"aws:TagKeys": [_CLUSTER_TAG, "karpenter.sh/nodeclaim", "Name"]},
    }
    return (
        statement("TagNodes", ["ec2:CreateTags"], instances, conditions=only),
        statement(
            "EndNodes",
            ["ec2:TerminateInstances", "ec2:DeleteLaunchTemplate"],
            [instances, place.arn("ec2", "launch-template/*")],
            conditions=own,
        ),
        statement(
            "HearOfInterruptions",
            ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"],
            place.arn("sqs", place.cluster),
        ),
    )


def _look(place: Place) -> tuple[Statement, ...]:
    described = (
        "CapacityReservations",
        "Images",
        "InstanceStatus",
        "InstanceTypeOfferings",
        "InstanceTypes",
        "Instances",
        "LaunchTemplates",
        "PlacementGroups",
        "SecurityGroups",
        "SpotPriceHistory",
        "Subnets",
    )
    profile = f"arn:aws:iam::{place.account}:instance-profile/{names.role(place.environment, 'nodes')}"
    return (
        statement(
            "DescribeNodes",
            [f"ec2:Describe{what}" for what in described],
            "*",
            conditions={"StringEquals": {"aws:RequestedRegion": place.region}},
        ),
        statement("ReadImages", ["ssm:GetParameter"], f"arn:aws:ssm:{place.region}::parameter/aws/service/*"),
        statement("ReadPrices", ["pricing:GetProducts"], "*"),
        statement("ReadProfile", ["iam:GetInstanceProfile"], profile),
        statement("ListProfiles", ["iam:ListInstanceProfiles"], "*"),
        statement("ReadCluster", ["eks:DescribeCluster"], place.arn("eks", f"cluster/{place.cluster}")),
    )
