"""What the programs ask for exists in the pinned pulumi-aws, and in AWS as botocore's models describe it."""

import importlib.metadata
import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.loaders
import pytest
from pulumi_kubernetes.helm.v3 import Release

from slipway.catalog.platform_pins import EKS, PULUMI_AWS
from slipway.components.aws.iam.policies import WILDCARDS
from slipway.environments.planning.aws.node_groups import node_groups
from tests.support.aws_runs import ENVIRONMENTS, everything, run_of, settings_of, statements
from tests.support.sdk import arguments, classes, unknown

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

ALLOWED = {
    "aws:budgets/budget:Budget",
    "aws:cloudwatch/logGroup:LogGroup",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:ec2/eip:Eip",
    "aws:ec2/flowLog:FlowLog",
    "aws:ec2/instance:Instance",
    "aws:ec2/internetGateway:InternetGateway",
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/route:Route",
    "aws:ec2/routeTable:RouteTable",
    "aws:ec2/routeTableAssociation:RouteTableAssociation",
    "aws:ec2/securityGroup:SecurityGroup",
    "aws:ec2/subnet:Subnet",
    "aws:ec2/vpc:Vpc",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    "aws:ecr/repository:Repository",
    "aws:eks/accessEntry:AccessEntry",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
    "aws:eks/addon:Addon",
    "aws:eks/cluster:Cluster",
    "aws:eks/nodeGroup:NodeGroup",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation",
    "aws:cloudwatch/eventRule:EventRule",
    "aws:cloudwatch/eventTarget:EventTarget",
    "aws:iam/instanceProfile:InstanceProfile",
    "aws:sqs/queue:Queue",
    "aws:sqs/queuePolicy:QueuePolicy",
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:kms/alias:Alias",
    "aws:kms/key:Key",
    "aws:rds/instance:Instance",
    "aws:rds/subnetGroup:SubnetGroup",
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
}
"""The resource types that the rehearsal knows; a new one is taught there first."""

ENUMS = {
    ("aws:eks/nodeGroup:NodeGroup", "amiType"): ("eks", "AMITypes"),
    ("aws:eks/nodeGroup:NodeGroup", "capacityType"): ("eks", "CapacityTypes"),
    ("aws:eks/nodeGroup:NodeGroup", "taints.effect"): ("eks", "TaintEffect"),
    ("aws:eks/nodeGroup:NodeGroup", "instanceTypes"): ("ec2", "InstanceType"),
    ("aws:eks/cluster:Cluster", "accessConfig.authenticationMode"): ("eks", "AuthenticationMode"),
    ("aws:eks/cluster:Cluster", "enabledClusterLogTypes"): ("eks", "LogType"),
    ("aws:eks/cluster:Cluster", "upgradePolicy.supportType"): ("eks", "SupportType"),
    ("aws:eks/addon:Addon", "resolveConflictsOnCreate"): ("eks", "ResolveConflicts"),
    ("aws:eks/addon:Addon", "resolveConflictsOnUpdate"): ("eks", "ResolveConflicts"),
    ("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "accessScope.type"): ("eks", "AccessScopeType"),
    ("aws:ec2/launchTemplate:LaunchTemplate", "blockDeviceMappings.ebs.volumeType"): ("ec2", "VolumeType"),
    ("aws:ec2/launchTemplate:LaunchTemplate", "metadataOptions.httpTokens"): ("ec2", "LaunchTemplateHttpTokensState"),
    ("aws:ec2/launchTemplate:LaunchTemplate", "metadataOptions.httpEndpoint"): (
        "ec2",
        "LaunchTemplateInstanceMetadataEndpointState",
    ),
    ("aws:ec2/launchTemplate:LaunchTemplate", "tagSpecifications.resourceType"): ("ec2", "ResourceType"),
    ("aws:ec2/flowLog:FlowLog", "trafficType"): ("ec2", "TrafficType"),
    ("aws:ec2/flowLog:FlowLog", "logDestinationType"): ("ec2", "LogDestinationType"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "vpcEndpointType"): ("ec2", "VpcEndpointType"),
    ("aws:ec2/eip:Eip", "domain"): ("ec2", "DomainType"),
    ("aws:ecr/repository:Repository", "imageTagMutability"): ("ecr", "ImageTagMutability"),
    ("aws:ecr/repository:Repository", "encryptionConfigurations.encryptionType"): ("ecr", "EncryptionType"),
    ("aws:s3/bucketOwnershipControls:BucketOwnershipControls", "rule.objectOwnership"): ("s3", "ObjectOwnership"),
    ("aws:s3/bucketVersioning:BucketVersioning", "versioningConfiguration.status"): ("s3", "BucketVersioningStatus"),
    ("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", "rules.status"): ("s3", "ExpirationStatus"),
    (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "rules.applyServerSideEncryptionByDefault.sseAlgorithm",
    ): ("s3", "ServerSideEncryption"),
    ("aws:budgets/budget:Budget", "budgetType"): ("budgets", "BudgetType"),
    ("aws:budgets/budget:Budget", "timeUnit"): ("budgets", "TimeUnit"),
    ("aws:budgets/budget:Budget", "notifications.notificationType"): ("budgets", "NotificationType"),
    ("aws:budgets/budget:Budget", "notifications.comparisonOperator"): ("budgets", "ComparisonOperator"),
    ("aws:budgets/budget:Budget", "notifications.thresholdType"): ("budgets", "ThresholdType"),
}
"""Where the programs write a word that AWS knows a list of, and where botocore has the list."""

SERVICES = {"elasticloadbalancing": "elbv2"}
"""Services whose name in IAM is not botocore's."""

NOT_OPERATIONS = {
    "kms:ReEncryptFrom": "ReEncrypt needs it of the key that data comes from",
    "kms:ReEncryptTo": "ReEncrypt needs it of the key that data goes to",
    "s3:GetObjectVersion": "GetObject with a version needs it",
    "s3:ListBucket": "ListObjectsV2 needs it",
    "iam:PassRole": "who gives a role to a service needs it",
    "sts:TagSession": "AssumeRole with session tags needs it",
    "kms:*": "WILDCARDS has the reason",
    "s3:*": "WILDCARDS has the reason",
    "sqs:*": "WILDCARDS has the reason",
}
"""Actions that IAM knows and that are no operation of the service by that name."""


@cache
def model(service: str) -> dict[str, Any]:
    described: dict[str, Any] = botocore.loaders.Loader().load_service_model(service, "service-2")
    return described


def at(value: Any, path: str) -> Iterator[str]:
    """All strings at a path, through every list on the way."""
    if isinstance(value, list):
        for item in value:
            yield from at(item, path)
    elif not path:
        yield value
    else:
        key, _, rest = path.partition(".")
        if key in value:
            yield from at(value[key], rest)


def test_the_pinned_plugin_is_that_of_the_installed_sdk() -> None:
    assert importlib.metadata.version("pulumi-aws") == PULUMI_AWS


def test_only_resource_types_are_used_that_the_rehearsal_knows_and_all_of_them() -> None:
    assert {resource.token for _, resource in everything()} == ALLOWED
    assert classes().keys() >= ALLOWED


def test_every_property_is_an_argument_of_the_pinned_sdk_however_deep() -> None:
    for _, resource in everything():
        known = arguments(resource.token)
        for key, value in resource.inputs.items():
            assert key in known, f"{resource.urn}: {key}"
            assert list(unknown(value, known[key], key)) == [], resource.urn


def test_a_release_is_asked_for_as_the_pinned_class_of_it_would() -> None:
    parameters = inspect.signature(Release._internal_init).parameters
    known = {re.sub("_([a-z])", lambda found: found[1].upper(), name) for name in parameters}
    releases = [release for name in ENVIRONMENTS for release in run_of(name).of("kubernetes:helm.sh/v3:Release")]
    assert releases
    assert all(release.inputs.keys() <= known for release in releases)


def test_a_property_that_the_sdk_does_not_have_would_be_found() -> None:
    known = arguments("aws:eks/cluster:Cluster")
    assert "accessConfiguration" not in known
    wrong = {"authenticationMode": "API", "authentication": "API"}
    assert list(unknown(wrong, known["accessConfig"], "accessConfig")) == ["accessConfig.authentication"]


@pytest.mark.parametrize(("token", "path"), ENUMS)
def test_every_word_of_a_list_is_in_the_list_of_aws(token: str, path: str) -> None:
    service, shape = ENUMS[token, path]
    words = {word for _, resource in everything() if resource.token == token for word in at(resource.inputs, path)}
    assert words, f"nothing is registered at {path}"
    assert words <= set(model(service)["shapes"][shape]["enum"])


def test_every_action_of_a_policy_is_an_operation_of_its_service_or_known_to_be_none() -> None:
    actions = {action for _, statement in statements() for action in statement["Action"]}
    others = set()
    for action in actions:
        prefix, _, name = action.partition(":")
        if name not in model(SERVICES.get(prefix, prefix))["operations"]:
            others.add(action)
    assert others == NOT_OPERATIONS.keys()


def test_no_reason_for_a_wildcard_is_empty() -> None:
    assert all(len(reason) > 20 for reason in WILDCARDS.values())


@pytest.mark.parametrize("version", EKS)
def test_every_version_of_kubernetes_has_pins_of_its_own_minor_version(version: str) -> None:
    pins = EKS[version]
    assert pins.ami.startswith(f"{version}.")
    assert pins.addons["kube-proxy"].startswith(f"v{version}.")
    assert pins.addons.keys() == EKS["1.35"].addons.keys()


def test_the_platform_is_the_only_managed_node_group() -> None:
    assert [group.pool for group in node_groups(settings_of("prod"))] == ["system"]
    assert len(run_of("prod").of("aws:eks/nodeGroup:NodeGroup")) == len(node_groups(settings_of("prod")))
