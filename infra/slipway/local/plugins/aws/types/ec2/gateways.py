"""The ways out of a network: internet gateway, public address, address translation (NAT)."""

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import FIXED, REQUIRED_FIXED, VALUE, Object, ResourceType
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.ec2 import dependencies
from slipway.local.plugins.aws.types.spelling import given

_NO_GATEWAY = ("InvalidInternetGatewayID.NotFound",)
_NO_ADDRESS = ("InvalidAllocationID.NotFound", "InvalidAddressID.NotFound")
_NO_NAT = ("NatGatewayNotFound", "InvalidNatGatewayID.NotFound")
_GONE = ("deleted", "deleting", "failed")


def _create_gateway(aws: Aws, inputs: Object) -> str:
    made = aws.call("ec2", "create_internet_gateway", TagSpecifications=tags.specification("internet-gateway", inputs))
    return str(made["InternetGateway"]["InternetGatewayId"])


def _attach(aws: Aws, identifier: str, inputs: Object) -> None:
    if "vpcId" in inputs and _attached(aws, identifier) != inputs["vpcId"]:
        aws.call("ec2", "attach_internet_gateway", InternetGatewayId=identifier, VpcId=inputs["vpcId"])


def _attached(aws: Aws, identifier: str) -> str | None:
    found = aws.call("ec2", "describe_internet_gateways", InternetGatewayIds=[identifier])["InternetGateways"][0]
    return found["Attachments"][0]["VpcId"] if found["Attachments"] else None


def _read_gateway(aws: Aws, identifier: str, state: Object) -> Object | None:
    found = aws.find("ec2", "describe_internet_gateways", _NO_GATEWAY, InternetGatewayIds=[identifier])
    if found is None:
        return None
    gateway = found["InternetGateways"][0]
    owner = gateway.get("OwnerId") or aws.account
    return {
        "arn": f"arn:aws:ec2:{aws.region}:{owner}:internet-gateway/{identifier}",
        "ownerId": owner,
        "vpcId": gateway["Attachments"][0]["VpcId"] if gateway["Attachments"] else None,
        **tags.outputs(tags.mapping(gateway.get("Tags"))),
    }


def _update_gateway(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    if old.get("vpcId") != new.get("vpcId"):
        _detach(aws, identifier)
        _attach(aws, identifier, new)
    tags.update_ec2(aws, identifier, old, new)


def _detach(aws: Aws, identifier: str) -> None:
    vpc = _attached(aws, identifier)
    if vpc is not None:
        dependencies.check_gateway(aws, identifier, vpc)
        aws.call("ec2", "detach_internet_gateway", InternetGatewayId=identifier, VpcId=vpc)


def _delete_gateway(aws: Aws, identifier: str, state: Object) -> None:
    if aws.find("ec2", "describe_internet_gateways", _NO_GATEWAY, InternetGatewayIds=[identifier]) is not None:
        dependencies.patiently(lambda: _detach(aws, identifier))
        aws.find("ec2", "delete_internet_gateway", _NO_GATEWAY, InternetGatewayId=identifier)


INTERNET_GATEWAY = ResourceType(
    token="aws:ec2/internetGateway:InternetGateway",
    source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_internet_gateway.go",
    properties={"vpcId": VALUE, "tags": VALUE},
    computed=frozenset({"arn", "ownerId", "tagsAll"}),
    create=_create_gateway, configure=_attach, read=_read_gateway, update=_update_gateway, delete=_delete_gateway,
)  # fmt: skip


def _create_address(aws: Aws, inputs: Object) -> str:
    made = aws.call(
        "ec2", "allocate_address", Domain=inputs.get("domain", "vpc"),
        TagSpecifications=tags.specification("elastic-ip", inputs),
    )  # fmt: skip
    return str(made["AllocationId"])


def _read_address(aws: Aws, identifier: str, state: Object) -> Object | None:
    found = aws.find("ec2", "describe_addresses", _NO_ADDRESS, AllocationIds=[identifier])
    if found is None or not found["Addresses"]:
        return None
    address = found["Addresses"][0]
    return {
        "arn": f"arn:aws:ec2:{aws.region}:{aws.account}:elastic-ip/{identifier}",
        "allocationId": identifier,
        "domain": address["Domain"],
        "publicIp": address["PublicIp"],
        **tags.outputs(tags.mapping(address.get("Tags"))),
    }


def _delete_address(aws: Aws, identifier: str, state: Object) -> None:
    dependencies.check_address(aws, identifier)
    aws.find("ec2", "release_address", _NO_ADDRESS, AllocationId=identifier)


EIP = ResourceType(
    token="aws:ec2/eip:Eip",
    source="hashicorp/terraform-provider-aws internal/service/ec2/ec2_eip.go",
    properties={"domain": FIXED, "tags": VALUE},
    computed=frozenset({"arn", "allocationId", "publicIp", "tagsAll"}),
    create=_create_address, read=_read_address, update=tags.update_ec2, delete=_delete_address,
)  # fmt: skip

_NAT_NAMES = {"subnetId": "SubnetId", "allocationId": "AllocationId", "connectivityType": "ConnectivityType"}


def _create_nat(aws: Aws, inputs: Object) -> str:
    if inputs.get("connectivityType", "public") == "public":
        dependencies.check_way_out(aws, inputs["subnetId"])
    specification = tags.specification("natgateway", inputs)
    made = aws.call("ec2", "create_nat_gateway", TagSpecifications=specification, **given(inputs, _NAT_NAMES))
    return str(made["NatGateway"]["NatGatewayId"])


def _find_nat(aws: Aws, identifier: str) -> Object | None:
    found = aws.find("ec2", "describe_nat_gateways", _NO_NAT, NatGatewayIds=[identifier])
    nats = [nat for nat in (found or {}).get("NatGateways", []) if nat["State"] not in _GONE]
    return nats[0] if nats else None


def _read_nat(aws: Aws, identifier: str, state: Object) -> Object | None:
    nat = _find_nat(aws, identifier)
    if nat is None:
        return None
    address = (nat.get("NatGatewayAddresses") or [{}])[0]
    return {
        "subnetId": nat["SubnetId"],
        "allocationId": address.get("AllocationId"),
        "connectivityType": nat.get("ConnectivityType", "public"),
        "publicIp": address.get("PublicIp"),
        "privateIp": address.get("PrivateIp"),
        **tags.outputs(tags.mapping(nat.get("Tags"))),
    }


def _delete_nat(aws: Aws, identifier: str, state: Object) -> None:
    if _find_nat(aws, identifier) is not None:
        aws.find("ec2", "delete_nat_gateway", _NO_NAT, NatGatewayId=identifier)


NAT_GATEWAY = ResourceType(
    token="aws:ec2/natGateway:NatGateway",
    source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_nat_gateway.go",
    properties={
        "subnetId": REQUIRED_FIXED, "allocationId": FIXED, "connectivityType": FIXED, "tags": VALUE,
    },
    computed=frozenset({"publicIp", "privateIp", "tagsAll"}),
    create=_create_nat, read=_read_nat, update=tags.update_ec2, delete=_delete_nat,
)  # fmt: skip
