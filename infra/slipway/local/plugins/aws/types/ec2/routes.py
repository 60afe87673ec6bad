"""Route tables, their routes, and which subnets use them."""

from typing import Any
from zlib import crc32

from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import FIXED, REQUIRED, REQUIRED_FIXED, VALUE, Object, ResourceType
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.spelling import given

_NO_TABLE = ("InvalidRouteTableID.NotFound",)
_NO_ROUTE = (*_NO_TABLE, "InvalidRoute.NotFound")
_NO_ASSOCIATION = ("InvalidAssociationID.NotFound",)


def _create_table(aws: Aws, inputs: Object) -> str:
    made = aws.call(
        "ec2", "create_route_table", VpcId=inputs["vpcId"], TagSpecifications=tags.specification("route-table", inputs)
    )
    return str(made["RouteTable"]["RouteTableId"])


def _table(aws: Aws, identifier: str) -> dict[str, Any] | None:
    found = aws.find("ec2", "describe_route_tables", _NO_TABLE, RouteTableIds=[identifier])
    return None if found is None else found["RouteTables"][0]


def _read_table(aws: Aws, identifier: str, state: Object) -> Object | None:
    table = _table(aws, identifier)
    if table is None:
        return None
    owner = table.get("OwnerId") or aws.account
    return {
        "arn": f"arn:aws:ec2:{aws.region}:{owner}:route-table/{identifier}",
        "ownerId": owner,
        "vpcId": table["VpcId"],
        **tags.outputs(tags.mapping(table.get("Tags"))),
    }


def _delete_table(aws: Aws, identifier: str, state: Object) -> None:
    aws.find("ec2", "delete_route_table", _NO_TABLE, RouteTableId=identifier)


ROUTE_TABLE = ResourceType(
    token="aws:ec2/routeTable:RouteTable",
    source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_route_table.go",
    properties={"vpcId": REQUIRED_FIXED, "tags": VALUE},
    computed=frozenset({"arn", "ownerId", "tagsAll"}),
    create=_create_table, read=_read_table, update=tags.update_ec2, delete=_delete_table,
)  # fmt: skip

_ROUTE_NAMES = {
    "routeTableId": "RouteTableId", "destinationCidrBlock": "DestinationCidrBlock",
    "gatewayId": "GatewayId", "natGatewayId": "NatGatewayId",
}  # fmt: skip


def _create_route(aws: Aws, inputs: Object) -> str:
    aws.call("ec2", "create_route", **given(inputs, _ROUTE_NAMES))
    return _route_id(inputs["routeTableId"], inputs["destinationCidrBlock"])


def _route_id(table: str, destination: str) -> str:
    return f"r-{table}{crc32(destination.encode())}"


def _imported_route(aws: Aws, name: str) -> tuple[str, Object]:
    """`rtb-1_0.0.0.0/0`."""
    table, _, destination = name.partition("_")
    return _route_id(table, destination), {"routeTableId": table, "destinationCidrBlock": destination}


def _read_route(aws: Aws, identifier: str, state: Object) -> Object | None:
    table = _table(aws, state["routeTableId"])
    for route in (table or {}).get("Routes", []):
        if route.get("DestinationCidrBlock") == state["destinationCidrBlock"]:
            return {
                "routeTableId": state["routeTableId"],
                "destinationCidrBlock": route["DestinationCidrBlock"],
                "gatewayId": route.get("GatewayId"),
                "natGatewayId": route.get("NatGatewayId"),
                "origin": route.get("Origin"),
                "state": route.get("State"),
            }
    return None


def _update_route(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    aws.call("ec2", "replace_route", **given(new, _ROUTE_NAMES))


def _delete_route(aws: Aws, identifier: str, state: Object) -> None:
    destination = state["destinationCidrBlock"]
    aws.find("ec2", "delete_route", _NO_ROUTE, RouteTableId=state["routeTableId"], DestinationCidrBlock=destination)


ROUTE = ResourceType(
    token="aws:ec2/route:Route",
    source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_route.go",
    properties={
        "routeTableId": REQUIRED_FIXED, "destinationCidrBlock": REQUIRED_FIXED, "gatewayId": VALUE,
        "natGatewayId": VALUE,
    },
    computed=frozenset({"origin", "state"}),
    create=_create_route, read=_read_route, update=_update_route, delete=_delete_route, imported=_imported_route,
)  # fmt: skip


def _create_association(aws: Aws, inputs: Object) -> str:
    made = aws.call("ec2", "associate_route_table", RouteTableId=inputs["routeTableId"], SubnetId=inputs["subnetId"])
    return str(made["AssociationId"])


def _imported_association(aws: Aws, name: str) -> tuple[str, Object]:
    """`subnet-1/rtb-1`; AWS's own id of the association is looked up."""
    subnet, _, table = name.partition("/")
    associations = (_table(aws, table) or {}).get("Associations", [])
    found = [one["RouteTableAssociationId"] for one in associations if one.get("SubnetId") == subnet]
    return (found or [name])[0], {"subnetId": subnet, "routeTableId": table}


def _read_association(aws: Aws, identifier: str, state: Object) -> Object | None:
    named = [{"Name": "association.route-table-association-id", "Values": [identifier]}]
    for table in aws.call("ec2", "describe_route_tables", Filters=named)["RouteTables"]:
        for one in table["Associations"]:
            if one["RouteTableAssociationId"] == identifier:
                return {"routeTableId": table["RouteTableId"], "subnetId": one.get("SubnetId")}
    return None


def _update_association(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    """AWS gives the changed association another id, which an update cannot tell the engine."""
    raise refuse(
        "UnsupportedByRehearsal", "the rehearsal cannot move a subnet to another route table; replace the subnet",
        "ReplaceRouteTableAssociation",
    )  # fmt: skip


def _delete_association(aws: Aws, identifier: str, state: Object) -> None:
    aws.find("ec2", "disassociate_route_table", _NO_ASSOCIATION, AssociationId=identifier)


ROUTE_TABLE_ASSOCIATION = ResourceType(
    token="aws:ec2/routeTableAssociation:RouteTableAssociation",
    source="hashicorp/terraform-provider-aws internal/service/ec2/vpc_route_table_association.go",
    properties={"subnetId": FIXED, "routeTableId": REQUIRED},
    create=_create_association, read=_read_association, update=_update_association, delete=_delete_association,
    imported=_imported_association,
)  # fmt: skip
