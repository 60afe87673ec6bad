"""A subnet of a network, in one zone."""

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import FIXED, REQUIRED_FIXED, VALUE, Object, ResourceType
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.ec2 import dependencies
from slipway.local.plugins.aws.types.spelling import given

_MISSING = ("InvalidSubnetID.NotFound",)
_NAMES = {
    "vpcId": "VpcId",
    "cidrBlock": "CidrBlock",
    "availabilityZone": "AvailabilityZone",
    "availabilityZoneId": "AvailabilityZoneId",
}


def _create(aws: Aws, inputs: Object) -> str:
    specification = tags.specification("subnet", inputs)
    made = aws.call("ec2", "create_subnet", TagSpecifications=specification, **given(inputs, _NAMES))
    return str(made["Subnet"]["SubnetId"])


def _configure(aws: Aws, identifier: str, inputs: Object) -> None:
    if inputs.get("mapPublicIpOnLaunch"):
        _map_public(aws, identifier, True)


def _map_public(aws: Aws, identifier: str, wish: bool) -> None:
    aws.call("ec2", "modify_subnet_attribute", SubnetId=identifier, MapPublicIpOnLaunch={"Value": wish})


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    found = aws.find("ec2", "describe_subnets", _MISSING, SubnetIds=[identifier])
    if found is None:
        return None
    subnet = found["Subnets"][0]
    return {
        "arn": f"arn:aws:ec2:{aws.region}:{subnet['OwnerId']}:subnet/{identifier}",
        "mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"],
        "ownerId": subnet["OwnerId"],
        **{key: subnet.get(name) for key, name in _NAMES.items()},
        **tags.outputs(tags.mapping(subnet.get("Tags"))),
    }


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    wish = bool(new.get("mapPublicIpOnLaunch"))
    if wish != bool(old.get("mapPublicIpOnLaunch")):
        _map_public(aws, identifier, wish)
    tags.update_ec2(aws, identifier, old, new)


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    def delete() -> None:
        dependencies.check_subnet(aws, identifier)
        aws.find("ec2", "delete_subnet", _MISSING, SubnetId=identifier)

    dependencies.patiently(delete)


SUBNET = ResourceType(
    token="aws:ec2/subnet:Subnet",
    source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_subnet.go",
    properties={
        "vpcId": REQUIRED_FIXED, "cidrBlock": FIXED, "availabilityZone": FIXED, "availabilityZoneId": FIXED,
        "mapPublicIpOnLaunch": VALUE, "tags": VALUE,
    },
    computed=frozenset({"arn", "ownerId", "availabilityZone", "availabilityZoneId", "tagsAll"}),
    create=_create, configure=_configure, read=_read, update=_update, delete=_delete,
)  # fmt: skip
