"""Refuse to delete what something else still needs, where AWS does and moto does not.

Terraform's provider tries for minutes, since what is in the way is often being deleted at the same time; here it
tries for seconds.
"""

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from slipway.local.plugins.aws.backend import Aws, code, refuse

_VIOLATION = "DependencyViolation"
_LIMIT_S = 5.0
_PAUSE_S = 0.2
_GONE = ("deleted", "deleting", "failed")


def patiently(delete: Callable[[], Any]) -> None:
    """Run a deletion again while something is in its way."""
    started = time.monotonic()
    while True:
        try:
            delete()
        except ClientError as error:
            if code(error) != _VIOLATION or time.monotonic() - started > _LIMIT_S:
                raise
            time.sleep(_PAUSE_S)
        else:
            return


def _refuse(operation: str, identifier: str, users: list[str]) -> None:
    if users:
        message = f"{identifier} has dependencies and cannot be deleted: {', '.join(sorted(users))}"
        raise refuse(_VIOLATION, message, operation)


def check_vpc(aws: Aws, identifier: str) -> None:
    """A network goes after its gateways, endpoints and security groups (moto itself looks at subnets and tables)."""
    attached = [{"Name": "attachment.vpc-id", "Values": [identifier]}]
    of_vpc = [{"Name": "vpc-id", "Values": [identifier]}]
    gateways = aws.call("ec2", "describe_internet_gateways", Filters=attached)["InternetGateways"]
    groups = aws.call("ec2", "describe_security_groups", Filters=of_vpc)["SecurityGroups"]
    users = [gateway["InternetGatewayId"] for gateway in gateways]
    users += [group["GroupId"] for group in groups if group["GroupName"] != "default"]
    users += [endpoint["VpcEndpointId"] for endpoint in _endpoints(aws) if endpoint["VpcId"] == identifier]
    _refuse("DeleteVpc", identifier, users)


def check_subnet(aws: Aws, identifier: str) -> None:
    """A subnet goes after the NAT gateways and endpoints in it."""
    users = [nat["NatGatewayId"] for nat in _nats(aws) if nat["SubnetId"] == identifier]
    users += [
        endpoint["VpcEndpointId"] for endpoint in _endpoints(aws) if identifier in (endpoint.get("SubnetIds") or ())
    ]
    _refuse("DeleteSubnet", identifier, users)


def check_gateway(aws: Aws, identifier: str, vpc: str) -> None:
    """A network keeps its way out while it has public addresses."""
    _refuse("DetachInternetGateway", identifier, [nat["NatGatewayId"] for nat in _nats(aws) if nat["VpcId"] == vpc])


def check_address(aws: Aws, identifier: str) -> None:
    """An address goes after the NAT gateway that has it."""
    users = [
        nat["NatGatewayId"]
        for nat in _nats(aws)
        if any(address.get("AllocationId") == identifier for address in nat.get("NatGatewayAddresses", []))
    ]
    if users:
        raise refuse("InvalidIPAddress.InUse", f"{identifier} is in use by {users[0]}", "ReleaseAddress")


def check_group(aws: Aws, identifier: str) -> None:
    """A security group goes after the endpoints that have it and the rules of others that name it."""
    users = [
        endpoint["VpcEndpointId"]
        for endpoint in _endpoints(aws)
        if any(group["GroupId"] == identifier for group in endpoint.get("Groups", []))
    ]
    rules = aws.call("ec2", "describe_security_group_rules")["SecurityGroupRules"]
    users += [
        rule["SecurityGroupRuleId"]
        for rule in rules
        if rule["GroupId"] != identifier and (rule.get("ReferencedGroupInfo") or {}).get("GroupId") == identifier
    ]
    _refuse("DeleteSecurityGroup", identifier, users)


def check_way_out(aws: Aws, subnet: str) -> None:
    """A NAT gateway with a public address needs a network with a way out."""
    vpc = aws.call("ec2", "describe_subnets", SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc]}]
    if not aws.call("ec2", "describe_internet_gateways", Filters=attached)["InternetGateways"]:
        message = f"Network {vpc} has no Internet gateway attached"
        raise refuse("Gateway.NotAttached", message, "CreateNatGateway")


def _nats(aws: Aws) -> list[dict[str, Any]]:
    return [nat for nat in aws.call("ec2", "describe_nat_gateways")["NatGateways"] if nat["State"] not in _GONE]


def _endpoints(aws: Aws) -> list[dict[str, Any]]:
    found = aws.call("ec2", "describe_vpc_endpoints")["VpcEndpoints"]
    return [endpoint for endpoint in found if endpoint["State"] not in _GONE]
