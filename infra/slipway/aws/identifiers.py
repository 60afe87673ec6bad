"""Find the AWS objects that an interrupted run may have made, by what the plugin would call them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from slipway.aws.account import Account
from slipway.aws.existing import Arn, is_gone
from slipway.values.names import ENVIRONMENT_TAG

Json = Mapping[str, Any]

_BY_NAME: dict[str, Callable[[Json], str]] = {
    "aws:iam/role:Role": lambda i: i["name"],
    "aws:iam/instanceProfile:InstanceProfile": lambda i: i["name"],
    "aws:cloudwatch/eventRule:EventRule": lambda i: i["name"],
    "aws:cloudwatch/eventTarget:EventTarget": lambda i: f"{i['rule']}/{i['targetId']}",
    "aws:sqs/queuePolicy:QueuePolicy": lambda i: i["queueUrl"],
    "aws:iam/rolePolicy:RolePolicy": lambda i: f"{i['role']}:{i['name']}",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": lambda i: f"{i['role']}/{i['policyArn']}",
    "aws:kms/alias:Alias": lambda i: i["name"],
    "aws:cloudwatch/logGroup:LogGroup": lambda i: i["name"],
    "aws:ecr/repository:Repository": lambda i: i["name"],
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": lambda i: i["repository"],
    "aws:eks/cluster:Cluster": lambda i: i["name"],
    "aws:eks/addon:Addon": lambda i: f"{i['clusterName']}:{i['addonName']}",
    "aws:eks/nodeGroup:NodeGroup": lambda i: f"{i['clusterName']}:{i['nodeGroupName']}",
    "aws:eks/accessEntry:AccessEntry": lambda i: f"{i['clusterName']}:{i['principalArn']}",
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": lambda i: (
        f"{i['clusterName']}#{i['principalArn']}#{i['policyArn']}"
    ),
    "aws:rds/instance:Instance": lambda i: i["identifier"],
    "aws:rds/subnetGroup:SubnetGroup": lambda i: i["name"],
    "aws:ec2/route:Route": lambda i: f"{i['routeTableId']}_{i['destinationCidrBlock']}",
    "kubernetes:helm.sh/v3:Release": lambda i: f"{i['namespace']}/{i['name']}",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": lambda i: f"{i['subnetId']}/{i['routeTableId']}",
}
"""How the plugins name what goes by its name alone (the plugin's documentation, `pulumi import` of each type)."""

_BY_TAG = {
    "aws:ec2/vpc:Vpc": ("describe_vpcs", "Vpcs", "VpcId"),
    "aws:ec2/subnet:Subnet": ("describe_subnets", "Subnets", "SubnetId"),
    "aws:ec2/internetGateway:InternetGateway": (
        "describe_internet_gateways",
        "InternetGateways",
        "InternetGatewayId",
    ),
    "aws:ec2/eip:Eip": ("describe_addresses", "Addresses", "AllocationId"),
    "aws:ec2/natGateway:NatGateway": ("describe_nat_gateways", "NatGateways", "NatGatewayId"),
    "aws:ec2/routeTable:RouteTable": ("describe_route_tables", "RouteTables", "RouteTableId"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    "aws:ec2/securityGroup:SecurityGroup": ("describe_security_groups", "SecurityGroups", "GroupId"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        "describe_security_group_rules",
        "SecurityGroupRules",
        "SecurityGroupRuleId",
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        "describe_security_group_rules",
        "SecurityGroupRules",
        "SecurityGroupRuleId",
    ),
    "aws:ec2/flowLog:FlowLog": ("describe_flow_logs", "FlowLogs", "FlowLogId"),
    "aws:ec2/launchTemplate:LaunchTemplate": ("describe_launch_templates", "LaunchTemplates", "LaunchTemplateId"),
}
"""How EC2 is asked for the types whose identifier it makes up, by their tags: call, list in its answer, identifier."""

_FILTER = ("describe_nat_gateways", "describe_flow_logs")
"""Calls whose filters are called `Filter`, not `Filters`."""

_GONE = ("deleting", "deleted", "failed")
"""States in which EC2 still lists what nobody can use."""

_PARTS_OF_A_BUCKET = (
    "aws:s3/bucket:Bucket",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    "aws:s3/bucketPolicy:BucketPolicy",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    "aws:s3/bucketVersioning:BucketVersioning",
)
"""Types that go by the name of their bucket."""

_ADOPTED = ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",)
"""Types of which no run makes an object: AWS made it, and the plugin takes it over again."""


class UnknownTypeError(LookupError):
    """A program registers a type that nobody said how to find: an interrupted run could make it twice."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"no table of slipway.aws.identifiers says how objects of type {kind} are found again")


def identifiers(account: Account, kind: str, inputs: Json) -> list[str]:
    """What the plugin calls the objects that runs of `kind` with `inputs` would have made, sorted.

    What goes by its name is not looked for: reading it afterwards tells whether it is there. None for what the next run
    adopts by itself. Raises `UnknownTypeError` for a type of AWS that is in no table.
    """
    if kind in _FIND:
        return _FIND[kind](account, inputs)
    if kind.startswith("aws:"):
        raise UnknownTypeError(kind)
    return []


def _by_name(name: Callable[[Json], str], _: Account, inputs: Json) -> list[str]:
    return [name(inputs)]


def _by_tags(operation: str, listed: str, identifier: str, account: Account, inputs: Json) -> list[str]:
    """What is there now: EC2's list of tags goes on naming what was deleted."""
    tags = inputs.get("tags") or {}
    wanted = [{"Name": f"tag:{key}", "Values": [tags.get(key, "")]} for key in ("Name", ENVIRONMENT_TAG)]
    filters = {"Filter" if operation in _FILTER else "Filters": wanted}
    found = account.call("ec2", operation, **filters)[listed]
    return sorted(item[identifier] for item in found if str(item.get("State", "")).lower() not in _GONE)


def _keys(account: Account, inputs: Json) -> list[str]:
    filters = [{"Key": key, "Values": [value]} for key, value in (inputs.get("tags") or {}).items()]
    found = account.call(
        "resourcegroupstaggingapi", "get_resources", TagFilters=filters, ResourceTypeFilters=["kms:key"]
    )
    arns = sorted(item["ResourceARN"] for item in found.get("ResourceTagMappingList", []))
    return [Arn.of(arn).name for arn in arns if not is_gone(account, arn)]


def _queues(account: Account, inputs: Json) -> list[str]:
    missing = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
    found = account.find("sqs", "get_queue_url", missing, QueueName=inputs["name"])
    return [found["QueueUrl"]] if found else []


def _associations(account: Account, inputs: Json) -> list[str]:
    cluster = inputs["clusterName"]
    found = account.call(
        "eks",
        "list_pod_identity_associations",
        clusterName=cluster,
        namespace=inputs["namespace"],
        serviceAccount=inputs["serviceAccount"],
    )["associations"]
    return sorted(f"{cluster},{item['associationId']}" for item in found)


def _instances(account: Account, inputs: Json) -> list[str]:
    """EC2 lists instances by reservation, and those that are gone for an hour more."""
    tags = inputs.get("tags") or {}
    wanted = [{"Name": f"tag:{key}", "Values": [tags.get(key, "")]} for key in ("Name", ENVIRONMENT_TAG)]
    wanted.append({"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]})
    found = account.call("ec2", "describe_instances", Filters=wanted)["Reservations"]
    return sorted(item["InstanceId"] for reservation in found for item in reservation["Instances"])


_Find = Callable[[Account, Json], list[str]]
_FIND: Mapping[str, _Find] = {
    **{kind: partial(_by_name, name) for kind, name in _BY_NAME.items()},
    **{kind: partial(_by_tags, *call) for kind, call in _BY_TAG.items()},
    **dict.fromkeys(_PARTS_OF_A_BUCKET, lambda _, inputs: [str(inputs["bucket"])]),
    **dict.fromkeys(_ADOPTED, lambda *_: []),
    "aws:kms/key:Key": _keys,
    "aws:sqs/queue:Queue": _queues,
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": _associations,
    "aws:ec2/instance:Instance": _instances,
    "aws:budgets/budget:Budget": lambda account, inputs: [f"{account.account}:{inputs['name']}"],
}
"""How the objects of each type are found again. Every type of AWS that a program registers is here."""
