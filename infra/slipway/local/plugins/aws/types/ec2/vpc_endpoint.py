"""A private way from a network to one of AWS's services."""

from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import FIXED, JSON, REQUIRED_FIXED, SET, VALUE, Object, ResourceType
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.spelling import given

_MISSING = ("InvalidVpcEndpointId.NotFound",)
_NAMES = {
    "vpcId": "VpcId", "serviceName": "ServiceName", "vpcEndpointType": "VpcEndpointType",
    "privateDnsEnabled": "PrivateDnsEnabled", "policy": "PolicyDocument", "routeTableIds": "RouteTableIds",
    "subnetIds": "SubnetIds", "securityGroupIds": "SecurityGroupIds",
}  # fmt: skip


def _create(aws: Aws, inputs: Object) -> str:
    specification = tags.specification("vpc-endpoint", inputs)
    params = {"VpcEndpointType": "Gateway", **given(inputs, _NAMES)}
    made = aws.call("ec2", "create_vpc_endpoint", TagSpecifications=specification, **params)
    return str(made["VpcEndpoint"]["VpcEndpointId"])


def _find(aws: Aws, identifier: str) -> Object | None:
    found = aws.find("ec2", "describe_vpc_endpoints", _MISSING, VpcEndpointIds=[identifier])
    live = [one for one in (found or {}).get("VpcEndpoints", []) if one["State"] not in ("deleted", "deleting")]
    return live[0] if live else None


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    endpoint = _find(aws, identifier)
    if endpoint is None:
        return None
    return {
        "arn": f"arn:aws:ec2:{aws.region}:{endpoint.get('OwnerId') or aws.account}:vpc-endpoint/{identifier}",
        "vpcId": endpoint["VpcId"],
        "serviceName": endpoint["ServiceName"],
        "vpcEndpointType": endpoint["VpcEndpointType"],
        "privateDnsEnabled": bool(endpoint.get("PrivateDnsEnabled")),
        "policy": endpoint.get("PolicyDocument"),
        "routeTableIds": endpoint.get("RouteTableIds", []),
        "subnetIds": endpoint.get("SubnetIds", []),
        "securityGroupIds": [group["GroupId"] for group in endpoint.get("Groups", [])],
        "networkInterfaceIds": endpoint.get("NetworkInterfaceIds", []),
        "state": endpoint["State"],
        **_prefixes(aws, endpoint),
        **tags.outputs(tags.mapping(endpoint.get("Tags"))),
    }


def _prefixes(aws: Aws, endpoint: Object) -> Object:
    """The list of the service's addresses, which a gateway's routes lead to; moto has it, without the addresses."""
    if endpoint["VpcEndpointType"] != "Gateway":
        return {"prefixListId": None, "cidrBlocks": []}
    filters = [{"Name": "prefix-list-name", "Values": [endpoint["ServiceName"]]}]
    with aws.keep("ec2", "describe_prefix_lists", Filters=filters):
        client = aws.backend.client("ec2", aws.region)
        (found,) = client.describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
        listed = client.get_managed_prefix_list_entries(PrefixListId=found["PrefixListId"])["Entries"]
    return {"prefixListId": found["PrefixListId"], "cidrBlocks": sorted(entry["Cidr"] for entry in listed)}


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    if bool(old.get("privateDnsEnabled")) != bool(new.get("privateDnsEnabled")):
        raise refuse(
            "UnsupportedByRehearsal", "moto does not change privateDnsEnabled of an endpoint", "ModifyVpcEndpoint"
        )
    params: Object = {}
    for key in ("routeTableIds", "subnetIds", "securityGroupIds"):
        before, after = set(old.get(key) or ()), set(new.get(key) or ())
        name = key[0].upper() + key[1:]
        params |= {f"Add{name}": sorted(after - before)} if after - before else {}
        params |= {f"Remove{name}": sorted(before - after)} if before - after else {}
    if new.get("policy") != old.get("policy"):
        params |= {"PolicyDocument": new["policy"]} if "policy" in new else {"ResetPolicy": True}
    if params:
        aws.call("ec2", "modify_vpc_endpoint", VpcEndpointId=identifier, **params)
    tags.update_ec2(aws, identifier, old, new)


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    found = _find(aws, identifier)
    if found is not None:
        # moto makes no route for a table that came later, and would not delete an endpoint without it.
        if found.get("RouteTableIds"):
            tables = found["RouteTableIds"]
            aws.call("ec2", "modify_vpc_endpoint", VpcEndpointId=identifier, RemoveRouteTableIds=tables)
        aws.call("ec2", "delete_vpc_endpoints", VpcEndpointIds=[identifier])


VPC_ENDPOINT = ResourceType(
    token="aws:ec2/vpcEndpoint:VpcEndpoint",
    source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_endpoint.go",
    properties={
        "vpcId": REQUIRED_FIXED, "serviceName": FIXED, "vpcEndpointType": FIXED, "privateDnsEnabled": VALUE,
        "policy": JSON, "routeTableIds": SET, "subnetIds": SET, "securityGroupIds": SET, "tags": VALUE,
    },
    computed=frozenset({"arn", "cidrBlocks", "networkInterfaceIds", "prefixListId", "state", "tagsAll"}),
    create=_create, read=_read, update=_update, delete=_delete,
)  # fmt: skip
