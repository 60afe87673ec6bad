"""What the load balancer controller may do in AWS, and where a part of the platform is that calls it."""

from dataclasses import dataclass

from slipway.components.aws.iam.policies import Statement, statement
from slipway.values import names

_LB_TAG = "elbv2.k8s.aws/cluster"
"""The controller puts it on all that it makes, with the cluster's name."""


@dataclass(frozen=True)
class Place:
    """An environment with its region and account. `vpc`: id of a network that was there before and has no tag of it."""

    account: str
    region: str
    environment: str
    vpc: str | None = None

    @property
    def cluster(self) -> str:
        """Its cluster."""
        return names.cluster(self.environment)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource here."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def load_balancers(place: Place) -> tuple[Statement, ...]:
    """What the load balancer controller needs for network load balancers, which are all that it makes here.

    Facts: github.com/kubernetes-sigs/aws-load-balancer-controller, docs/install/iam_policy.json; without application
    load balancers, web firewall, certificates and login.
    """
    service_role = statement(
        "MakeServiceRole",
        ["iam:CreateServiceLinkedRole"],
        f"arn:aws:iam::{place.account}:role/aws-service-role/elasticloadbalancing.amazonaws.com/"
        "AWSServiceRoleForElasticLoadBalancing",
        conditions={"StringEquals": {"iam:AWSServiceName": "elasticloadbalancing.amazonaws.com"}},
    )
    return (*_describe(), service_role, *_security_groups(place), *_balancers(place))


def _asked(place: Place, **more: str | list[str]) -> dict[str, dict[str, str | list[str]]]:
    """Condition: what is made gets the cluster's tag."""
    return {"StringEquals": {f"aws:RequestTag/{_LB_TAG}": place.cluster, **more}}


def _own(place: Place, tag: str = _LB_TAG, value: str | None = None) -> dict[str, dict[str, str]]:
    """Condition: what is changed has the cluster's tag."""
    return {"StringEquals": {f"aws:ResourceTag/{tag}": value or place.cluster}}


def _security_groups(place: Place) -> tuple[Statement, ...]:
    groups = place.arn("ec2", "security-group/*")
    rules = ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"]
    change = [*rules, "ec2:CreateTags", "ec2:DeleteSecurityGroup", "ec2:DeleteTags"]
    new = _asked(place, **{"ec2:CreateAction": "CreateSecurityGroup"})
    own_network = None if place.vpc else _own(place, names.ENVIRONMENT_TAG, place.environment)
    cluster = _own(place, f"kubernetes.io/cluster/{place.cluster}", "owned")
    return (
        statement(
            "MakeSecurityGroups",
            ["ec2:CreateSecurityGroup"],
            groups,
            conditions=_asked(place),
        ),
        # The network is in the request too, and what is asked to be tagged is not it: it has its own tag already.
        statement(
            "MakeSecurityGroupsInNetwork",
            ["ec2:CreateSecurityGroup"],
            place.arn("ec2", f"vpc/{place.vpc or '*'}"),
            conditions=own_network,
        ),
        statement("TagNewSecurityGroups", ["ec2:CreateTags"], groups, conditions=new),
        statement("ChangeSecurityGroups", change, groups, conditions=_own(place)),
        statement("OpenNodesToLoadBalancers", rules, groups, conditions=cluster),
    )


def _balancers(place: Place) -> tuple[Statement, ...]:
    balancers = place.arn("elasticloadbalancing", "loadbalancer/net/*/*")
    targets = place.arn("elasticloadbalancing", "targetgroup/*/*")
    listeners = place.arn("elasticloadbalancing", "listener/net/*/*/*")
    make = ["CreateLoadBalancer", "CreateTargetGroup"]
    new = _asked(place, **{"elasticloadbalancing:CreateAction": make})
    return (
        statement("MakeLoadBalancers", _elb(*make), [balancers, targets], conditions=_asked(place)),
        statement("TagNewLoadBalancers", _elb("AddTags"), [balancers, targets], conditions=new),
        statement(
            "MakeListeners",
            _elb(
                "AddTags",
                "CreateListener",
                "DeleteListener",
                "ModifyListener",
                "ModifyListenerAttributes",
                "RemoveTags",
            ),
            [balancers, listeners],
        ),
        statement(
            "ChangeLoadBalancers",
            _elb(
                "AddTags",
                "DeleteLoadBalancer",
                "DeleteTargetGroup",
                "ModifyLoadBalancerAttributes",
                "ModifyTargetGroup",
                "ModifyTargetGroupAttributes",
                "RemoveTags",
                "SetIpAddressType",
                "SetSecurityGroups",
                "SetSubnets",
            ),
            [balancers, targets],
            conditions=_own(place),
        ),
        statement("RegisterTargets", _elb("DeregisterTargets", "RegisterTargets"), targets, conditions=_own(place)),
    )


def _elb(*operations: str) -> list[str]:
    return [f"elasticloadbalancing:{operation}" for operation in operations]


def _describe() -> tuple[Statement, ...]:
    return (
        statement(
            "DescribeNetwork",
            [
                "ec2:DescribeAccountAttributes",
                "ec2:DescribeAddresses",
                "ec2:DescribeAvailabilityZones",
                "ec2:DescribeInstances",
                "ec2:DescribeInternetGateways",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeRouteTables",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeTags",
                "ec2:DescribeVpcPeeringConnections",
                "ec2:DescribeVpcs",
                "ec2:GetSecurityGroupsForVpc",
            ],
            "*",
        ),
        statement(
            "DescribeLoadBalancers",
            _elb(
                "DescribeListenerAttributes",
                "DescribeListenerCertificates",
                "DescribeListeners",
                "DescribeLoadBalancerAttributes",
                "DescribeLoadBalancers",
                "DescribeRules",
                "DescribeSSLPolicies",
                "DescribeTags",
                "DescribeTargetGroupAttributes",
                "DescribeTargetGroups",
                "DescribeTargetHealth",
            ),
            "*",
        ),
    )
