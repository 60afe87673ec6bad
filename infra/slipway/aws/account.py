"""Ask an AWS account what is really there: objects by their tags, and the one that an interrupted run may have made.

Credentials are boto3's own: the environment, a profile, a role. Nothing is changed here, but that a bucket is emptied
which the user named.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from slipway.errors.failures import AwsMissing, AwsRefused
from slipway.values.names import AWS_ENVIRONMENT_TAG

Json = Mapping[str, Any]

_BY_NAME: dict[str, Callable[[Json], str]] = {
    "aws:iam/role:Role": lambda i: i["name"],
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

_DELETED_AT_ONCE = 1000
"""Objects that one call of DeleteObjects takes."""


@dataclass(frozen=True)
class Caller:
    """Whose credentials they are: `arn` of a user, or of a session of a role."""

    account: str
    arn: str

    def is_role(self, role: str) -> bool:
        """Whether it is a session of `role`, an ARN. STS leaves a role's path out."""
        name = role.rpartition("/")[2]
        return self.arn.startswith(f"arn:aws:sts::{self.account}:assumed-role/{name}/")


@dataclass(frozen=True)
class Tagged:
    """An object of the account that carries an environment's tag."""

    arn: str
    name: str


class Account:
    """The account and region of an environment, as the caller's credentials see them.

    Every method raises `AwsRefused` with AWS's own words when a call fails.
    """

    def __init__(self, account: str, region: str) -> None:
        """Take the SDK; `AwsMissing` when the extra `aws` is not installed. No request is made yet."""
        try:
            import boto3  # noqa: PLC0415 - an optional extra
        except ImportError as error:
            raise AwsMissing from error
        self.account = account
        self._session = boto3.Session(region_name=region)

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make one call, with all pages of its answer where it has pages."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an optional extra

        client = self._session.client(service)
        try:
            if client.can_paginate(operation):
                return dict(client.get_paginator(operation).paginate(**parameters).build_full_result())
            return dict(getattr(client, operation)(**parameters))
        except (BotoCoreError, ClientError) as error:
            raise AwsRefused(service, operation, str(error)) from error

    def caller(self) -> Caller:
        """Who the credentials are."""
        found = self.call("sts", "get_caller_identity")
        return Caller(found["Account"], found["Arn"])

    def tagged(self, environment: str) -> list[Tagged]:
        """Everything with the environment's tag that is not deleted already, sorted.

        AWS goes on listing what was deleted: a NAT gateway for an hour, a key until its waiting time is over.
        """
        filters = [{"Key": AWS_ENVIRONMENT_TAG, "Values": [environment]}]
        found = self.call("resourcegroupstaggingapi", "get_resources", TagFilters=filters)
        listed = (
            Tagged(item["ResourceARN"], {tag["Key"]: tag["Value"] for tag in item["Tags"]}.get("Name", ""))
            for item in found.get("ResourceTagMappingList", [])
        )
        return sorted((item for item in listed if not self._deleted(item.arn)), key=lambda item: item.arn)

    def _deleted(self, arn: str) -> bool:
        """Whether AWS only has not forgotten it yet."""
        service, kind, name = _parts(arn)
        if (service, kind) == ("kms", "key"):
            state = self.call("kms", "describe_key", KeyId=arn)["KeyMetadata"]["KeyState"]
            return bool(state == "PendingDeletion")
        if (service, kind) == ("ec2", "natgateway"):
            filters = [{"Name": "nat-gateway-id", "Values": [name]}]
            found = self.call("ec2", "describe_nat_gateways", Filter=filters)["NatGateways"]
            return all(gateway["State"] == "deleted" for gateway in found)
        if (service, kind) == ("ec2", "instance"):
            filters = [{"Name": "instance-id", "Values": [name]}]
            found = self.call("ec2", "describe_instances", Filters=filters)["Reservations"]
            return all(one["State"]["Name"] == "terminated" for group in found for one in group["Instances"])
        return False

    def empty_bucket(self, bucket: str) -> None:
        """Delete every version of every object in a bucket."""
        found = self.call("s3", "list_object_versions", Bucket=bucket)
        versions = [*found.get("Versions", []), *found.get("DeleteMarkers", [])]
        objects = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in versions]
        for first in range(0, len(objects), _DELETED_AT_ONCE):
            chosen = objects[first : first + _DELETED_AT_ONCE]
            answer = self.call("s3", "delete_objects", Bucket=bucket, Delete={"Objects": chosen, "Quiet": True})
            if errors := answer.get("Errors"):
                raise AwsRefused("s3", "delete_objects", f"{errors[0]['Key']}: {errors[0]['Message']}")

    def identifiers(self, kind: str, inputs: Json) -> list[str]:
        """What the plugin calls the objects that runs of `kind` with `inputs` would have made, sorted.

        None when there is none, or when the type can be made again without harm. What goes by its name is not looked
        for: reading it afterwards tells whether it is there.
        """
        tags = inputs.get("tags") or {}
        if kind in _BY_NAME:
            return [_BY_NAME[kind](inputs)]
        if kind.startswith("aws:s3/bucket"):
            return [str(inputs["bucket"])]
        if kind in _BY_TAG:
            return self._by_tags(*_BY_TAG[kind], tags)
        if kind == "aws:kms/key:Key":
            return self._keys(tags)
        if kind == "aws:eks/podIdentityAssociation:PodIdentityAssociation":
            return self._associations(inputs)
        return [f"{self.account}:{inputs['name']}"] if kind == "aws:budgets/budget:Budget" else []

    def _by_tags(self, operation: str, listed: str, identifier: str, tags: Mapping[str, str]) -> list[str]:
        """What is there now: EC2's list of tags goes on naming what was deleted."""
        wanted = [{"Name": f"tag:{key}", "Values": [tags.get(key, "")]} for key in ("Name", AWS_ENVIRONMENT_TAG)]
        filters = {"Filter" if operation in _FILTER else "Filters": wanted}
        found = self.call("ec2", operation, **filters)[listed]
        return sorted(item[identifier] for item in found if str(item.get("State", "")).lower() not in _GONE)

    def _keys(self, tags: Mapping[str, str]) -> list[str]:
        filters = [{"Key": key, "Values": [value]} for key, value in tags.items()]
        found = self.call(
            "resourcegroupstaggingapi", "get_resources", TagFilters=filters, ResourceTypeFilters=["kms:key"]
        )
        arns = sorted(item["ResourceARN"] for item in found.get("ResourceTagMappingList", []))
        return [_parts(arn)[2] for arn in arns if not self._deleted(arn)]

    def _associations(self, inputs: Json) -> list[str]:
        cluster = inputs["clusterName"]
        found = self.call(
            "eks",
            "list_pod_identity_associations",
            clusterName=cluster,
            namespace=inputs["namespace"],
            serviceAccount=inputs["serviceAccount"],
        )["associations"]
        return sorted(f"{cluster},{item['associationId']}" for item in found)


def _parts(arn: str) -> tuple[str, str, str]:
    """`arn:aws:ec2:eu-central-1:123456789012:natgateway/nat-1` gives `ec2`, `natgateway`, `nat-1`."""
    service, rest = arn.split(":", 5)[2], arn.split(":", 5)[5]
    kind, _, name = rest.partition("/")
    return service, kind, name
