"""A virtual private network."""

from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.schema import FIXED, VALUE, Object, ResourceType
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.ec2 import dependencies

_MISSING = ("InvalidVpcID.NotFound",)
_ATTRIBUTES = {"enableDnsSupport": "EnableDnsSupport", "enableDnsHostnames": "EnableDnsHostnames"}


def _create(aws: Aws, inputs: Object) -> str:
    made = aws.call(
        "ec2", "create_vpc", CidrBlock=inputs["cidrBlock"], TagSpecifications=tags.specification("vpc", inputs)
    )
    return str(made["Vpc"]["VpcId"])


def _configure(aws: Aws, identifier: str, inputs: Object) -> None:
    for key, parameter in _ATTRIBUTES.items():
        if key in inputs:
            aws.call("ec2", "modify_vpc_attribute", VpcId=identifier, **{parameter: {"Value": inputs[key]}})


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    found = aws.find("ec2", "describe_vpcs", _MISSING, VpcIds=[identifier])
    if found is None:
        return None
    vpc = found["Vpcs"][0]

    def attribute(name: str) -> bool:
        answer = aws.call("ec2", "describe_vpc_attribute", VpcId=identifier, Attribute=name)
        return bool(answer[name[0].upper() + name[1:]]["Value"])

    return {
        "arn": f"arn:aws:ec2:{aws.region}:{vpc['OwnerId']}:vpc/{identifier}",
        "cidrBlock": vpc["CidrBlock"],
        "enableDnsSupport": attribute("enableDnsSupport"),
        "enableDnsHostnames": attribute("enableDnsHostnames"),
        "ownerId": vpc["OwnerId"],
        **_defaults(aws, identifier),
        **tags.outputs(tags.mapping(vpc.get("Tags"))),
    }


def _defaults(aws: Aws, identifier: str) -> Object:
    """What AWS makes together with a network."""
    of_vpc = {"Name": "vpc-id", "Values": [identifier]}
    main = [of_vpc, {"Name": "association.main", "Values": ["true"]}]
    default = [of_vpc, {"Name": "group-name", "Values": ["default"]}]
    table = aws.call("ec2", "describe_route_tables", Filters=main)["RouteTables"][0]["RouteTableId"]
    group = aws.call("ec2", "describe_security_groups", Filters=default)["SecurityGroups"][0]["GroupId"]
    return {"mainRouteTableId": table, "defaultRouteTableId": table, "defaultSecurityGroupId": group}


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    changed = {key: value for key, value in new.items() if old.get(key) != value}
    _configure(aws, identifier, changed)
    tags.update_ec2(aws, identifier, old, new)


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    def delete() -> None:
        dependencies.check_vpc(aws, identifier)
        aws.find("ec2", "delete_vpc", _MISSING, VpcId=identifier)

    dependencies.patiently(delete)


VPC = ResourceType(
    token="aws:ec2/vpc:Vpc",
    source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_.go",
    properties={
        "cidrBlock": FIXED,
        "enableDnsSupport": VALUE,
        "enableDnsHostnames": VALUE,
        "tags": VALUE,
    },
    computed=frozenset(
        {"arn", "ownerId", "mainRouteTableId", "defaultRouteTableId", "defaultSecurityGroupId", "tagsAll"}
    ),
    create=_create, configure=_configure, read=_read, update=_update, delete=_delete,
)  # fmt: skip
