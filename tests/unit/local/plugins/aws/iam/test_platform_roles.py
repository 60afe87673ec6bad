"""What runs in the cluster may make the calls that it makes, and none on what is of another cluster.

The calls are those of the programs' own documentation: the load balancer controller's iam_policy.json, Karpenter's
CloudFormation template, ExternalDNS's tutorial for AWS, and Amazon VPC User Guide, "IAM role for publishing flow logs".
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from slipway.components.aws.gateway.policies import keep_names
from slipway.components.aws.iam.identity import read_own_weights
from slipway.components.aws.platform.karpenter_policy import karpenter
from slipway.components.aws.platform.policies import Place as OfEnvironment
from slipway.components.aws.platform.policies import load_balancers
from slipway.local.plugins.aws.iam.evaluate import Request, decide
from slipway.local.plugins.aws.iam.reference import action
from slipway.local.plugins.aws.iam.requests import asked
from slipway.local.plugins.aws.iam.resources import Place
from tests.support.aws_runs import run_of

PLACE = Place("aws", "eu-central-1", "123456789012")
PROD = OfEnvironment("123456789012", "eu-central-1", "prod")
ARN = "arn:aws:{}:eu-central-1:123456789012:{}"
LB = {"elbv2.k8s.aws/cluster": "slipway-prod"}
TAGGED = {
    "vpc-own": {"slipway:environment": "prod"}, "vpc-other": {"slipway:environment": "dev"},
    "sg-own": LB, "sg-other": {"elbv2.k8s.aws/cluster": "slipway-dev"},
    "sg-nodes": {"kubernetes.io/cluster/slipway-prod": "owned"},
}  # fmt: skip


def allowed(statements: Any, name: str, params: Mapping[str, Any], **keys: str) -> bool:
    """Whether a role with these statements may do it, on all that the parameters name."""
    policy = {"Statement": list(statements)}
    spelled = {key.replace("__", ":").lower(): value for key, value in keys.items()}
    requests = asked(action(name), params, spelled, PLACE, lambda _service, identifier: TAGGED.get(identifier, {}))
    return all(decide([policy], request).allowed for request in requests)


def on(statements: Any, name: str, resource: str, **tags: str) -> bool:
    """Whether it may be done to a resource with these tags."""
    context = {f"aws:resourcetag/{key}".lower(): (value,) for key, value in tags.items()}
    return decide([{"Statement": list(statements)}], Request(name, resource, context)).allowed


def specified(kind: str, tags: Mapping[str, str]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def making(vpc: str, tags: Mapping[str, str] = LB) -> dict[str, Any]:
    return {"VpcId": vpc, "TagSpecifications": specified("security-group", tags)}


def test_the_load_balancer_controller_makes_a_tagged_group_in_its_own_network_only() -> None:
    policy = load_balancers(PROD)
    assert allowed(policy, "ec2:CreateSecurityGroup", making("vpc-own"))
    assert not allowed(policy, "ec2:CreateSecurityGroup", making("vpc-other"))
    assert not allowed(policy, "ec2:CreateSecurityGroup", making("vpc-own", {"other": "tag"}))
    without = [one for one in policy if one["Sid"] != "MakeSecurityGroupsInNetwork"]
    assert not allowed(without, "ec2:CreateSecurityGroup", making("vpc-own"))


def test_a_tag_asked_of_the_network_too_would_refuse_each_load_balancer() -> None:
    """A request tags the group alone, so that a statement about both with that condition covers the network never."""
    (group,) = (one for one in load_balancers(PROD) if one["Sid"] == "MakeSecurityGroups")
    both = {**group, "Resource": [group["Resource"], ARN.format("ec2", "vpc/*")]}
    assert not allowed([both], "ec2:CreateSecurityGroup", making("vpc-own"))


@pytest.mark.parametrize(("group", "expected"), [("sg-own", True), ("sg-nodes", True), ("sg-other", False)])
def test_the_controller_opens_its_own_groups_and_the_nodes(group: str, expected: bool) -> None:
    assert allowed(load_balancers(PROD), "ec2:AuthorizeSecurityGroupIngress", {"GroupId": group}) is expected


def test_the_controller_tags_what_it_makes_and_deletes_only_its_own() -> None:
    policy = load_balancers(PROD)
    tags = {"aws:requesttag/elbv2.k8s.aws/cluster": "slipway-prod"}
    new = {"Resources": ["sg-new"], "Tags": [{"Key": "elbv2.k8s.aws/cluster", "Value": "slipway-prod"}]}
    assert allowed(policy, "ec2:CreateTags", new, ec2__CreateAction="CreateSecurityGroup")
    assert not allowed(policy, "ec2:CreateTags", new, ec2__CreateAction="CreateVpc")
    assert not allowed(policy, "ec2:CreateTags", new)
    balancer = ARN.format("elasticloadbalancing", "loadbalancer/net/k8s-1/50dc6c495c0c9188")
    make = Request("elasticloadbalancing:CreateLoadBalancer", balancer, {key: (value,) for key, value in tags.items()})
    assert decide([{"Statement": list(policy)}], make).allowed
    assert not on(policy, "elasticloadbalancing:CreateLoadBalancer", balancer)
    assert on(policy, "elasticloadbalancing:DeleteLoadBalancer", balancer, **LB)
    assert not on(
        policy, "elasticloadbalancing:DeleteLoadBalancer", balancer, **{"elbv2.k8s.aws/cluster": "slipway-dev"}
    )


def owned(cluster: str) -> dict[str, str]:
    return {f"kubernetes.io/cluster/slipway-{cluster}": "owned", "karpenter.sh/nodepool": "cpu"}


def starts(tags: Mapping[str, str], kind: str = "instance") -> bool:
    """Whether Karpenter may start something that gets these tags."""
    context = {f"aws:requesttag/{key}".lower(): (value,) for key, value in tags.items()}
    request = Request("ec2:RunInstances", ARN.format("ec2", f"{kind}/*"), context)
    return decide([{"Statement": list(karpenter(PROD))}], request).allowed


def test_karpenter_starts_nodes_with_the_tags_of_its_cluster_only() -> None:
    for kind in ("instance", "volume", "network-interface"):
        assert starts({**owned("prod"), "eks:eks-cluster-name": "slipway-prod"}, kind)
        assert not starts({**owned("dev"), "eks:eks-cluster-name": "slipway-dev"}, kind)
        assert not starts({}, kind)


def test_karpenter_ends_nodes_of_its_cluster_only() -> None:
    policy, node = karpenter(PROD), ARN.format("ec2", "instance/i-0123456789abcdef0")
    assert on(policy, "ec2:TerminateInstances", node, **owned("prod"))
    assert not on(policy, "ec2:TerminateInstances", node, **owned("dev"))
    assert not on(policy, "ec2:TerminateInstances", node)


def test_karpenter_gives_nodes_their_role_and_no_other() -> None:
    def gives(role: str, service: str = "ec2.amazonaws.com") -> bool:
        request = Request("iam:PassRole", f"arn:aws:iam::123456789012:role/{role}", {"iam:passedtoservice": (service,)})
        return decide([{"Statement": list(karpenter(PROD))}], request).allowed

    assert gives("slipway-prod-nodes")
    assert not gives("slipway-prod-cluster")
    assert not gives("slipway-prod-nodes", "lambda.amazonaws.com")


def test_karpenter_reads_its_own_queue_and_profile_and_sees_all_that_nodes_are_made_of() -> None:
    policy = karpenter(PROD)
    assert on(policy, "sqs:ReceiveMessage", ARN.format("sqs", "slipway-prod"))
    assert not on(policy, "sqs:ReceiveMessage", ARN.format("sqs", "slipway-dev"))
    assert on(policy, "iam:GetInstanceProfile", "arn:aws:iam::123456789012:instance-profile/slipway-prod-nodes")
    for name in ("iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile"):
        assert not on(policy, name, "arn:aws:iam::123456789012:instance-profile/slipway-prod-nodes")


def test_external_dns_changes_names_of_the_domain_only() -> None:
    policy = keep_names("Z1", "models.example.com")

    def change(*records: str) -> bool:
        context = {"route53:changeresourcerecordsetsnormalizedrecordnames": records}
        request = Request("route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z1", context)
        return decide([{"Statement": list(policy)}], request).allowed

    assert change("models.example.com", "digits.models.example.com")
    assert not change("digits.models.example.com", "www.example.com")


def test_a_model_reads_below_its_own_prefix_only() -> None:
    policy = [
        one for one in read_own_weights("weights", "eu-central-1", "digits", "key") if one["Sid"] != "DecryptWeights"
    ]
    assert on(policy, "s3:GetObject", "arn:aws:s3:::weights/digits/model.onnx")
    assert not on(policy, "s3:GetObject", "arn:aws:s3:::weights/digits-2/model.onnx")
    listing = [("digits/", True), ("digits", False), ("speech/", False)]
    for prefix, expected in listing:
        request = Request("s3:ListBucket", "arn:aws:s3:::weights", {"s3:prefix": (prefix,)})
        assert decide([{"Statement": list(policy)}], request).allowed is expected
    assert not on(policy, "s3:ListBucket", "arn:aws:s3:::weights")


def test_flow_logs_are_written_into_their_own_group() -> None:
    (policy,) = (
        json.loads(one.inputs["policy"])
        for one in run_of("prod").resources
        if one.token == "aws:iam/rolePolicy:RolePolicy" and one.inputs["name"] == "write-flow-logs"
    )
    own = ARN.format("logs", "log-group:/slipway/slipway-prod/flow-logs")
    other = ARN.format("logs", "log-group:/slipway/slipway-dev/flow-logs")
    for name in ("logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"):
        assert on(policy["Statement"], name, f"{own}:log-stream:eni-1") and on(policy["Statement"], name, own)
        assert not on(policy["Statement"], name, other)
    assert allowed(policy["Statement"], "logs:DescribeLogGroups", {})
