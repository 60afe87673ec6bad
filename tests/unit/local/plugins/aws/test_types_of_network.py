"""The types of networks, on moto without an engine: made, changed, seen, replaced, deleted."""

import pytest

from slipway.local.plugins.aws import operations
from slipway.local.plugins.aws.backend import Aws
from slipway.local.plugins.aws.compare import differences
from slipway.local.plugins.aws.types.ec2 import dependencies
from slipway.local.plugins.protocol.errors import OperationError
from tests.support.made_in_aws import Json, Made, unique

_TAGS = {"Name": "net", "slipway:environment": "dev"}


def vpc(aws: Aws) -> Made:
    return Made(aws, "ec2/vpc:Vpc", {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True, "tags": _TAGS})


def subnet(aws: Aws, network: Made, cidr: str = "10.0.1.0/24") -> Made:
    return Made(
        aws, "ec2/subnet:Subnet",
        {"vpcId": network.id, "cidrBlock": cidr, "availabilityZone": "eu-central-1a", "tags": _TAGS},
    )  # fmt: skip


def table(aws: Aws, network: Made) -> Made:
    return Made(aws, "ec2/routeTable:RouteTable", {"vpcId": network.id, "tags": _TAGS})


def group(aws: Aws, network: Made, **more: object) -> Made:
    inputs: Json = {"name": unique("group"), "description": "test", "vpcId": network.id, "tags": _TAGS, **more}
    return Made(aws, "ec2/securityGroup:SecurityGroup", inputs)


def gateway(aws: Aws, network: Made) -> Made:
    return Made(aws, "ec2/internetGateway:InternetGateway", {"vpcId": network.id, "tags": _TAGS})


def test_a_vpc_has_the_outputs_that_programs_read(shared: Aws) -> None:
    network = vpc(shared)
    assert network.id.startswith("vpc-")
    assert network.state["arn"] == f"arn:aws:ec2:eu-central-1:123456789012:vpc/{network.id}"
    assert network.state["defaultSecurityGroupId"].startswith("sg-")
    assert network.state["mainRouteTableId"].startswith("rtb-")
    assert network.state["tagsAll"] == _TAGS
    assert network.seen() == network.inputs
    network.delete()


def test_a_vpc_is_changed_in_place_but_for_its_addresses(shared: Aws) -> None:
    network = vpc(shared)
    assert network.change(enableDnsHostnames=False, tags={"Name": "other"})["enableDnsHostnames"] is False
    assert network.seen()["tags"] == {"Name": "other"}
    assert network.replaced_by(cidrBlock="10.1.0.0/16") == ["cidrBlock"]
    network.delete()


def test_a_change_behind_the_programs_back_is_seen(shared: Aws) -> None:
    network = vpc(shared)
    shared.call("ec2", "modify_vpc_attribute", VpcId=network.id, EnableDnsHostnames={"Value": False})
    shared.call("ec2", "create_tags", Resources=[network.id], Tags=[{"Key": "by", "Value": "hand"}])
    assert network.seen() == {**network.inputs, "enableDnsHostnames": False, "tags": {**_TAGS, "by": "hand"}}
    found = differences(network.kind, network.seen(), network.inputs)
    assert {(one.path, one.kind) for one in found} == {
        ("enableDnsHostnames", "UPDATE"), ("tags.by", "DELETE"),
    }  # fmt: skip


def test_subnets_route_tables_and_routes_are_wired(shared: Aws) -> None:
    network = vpc(shared)
    inner, way, out = subnet(shared, network), table(shared, network), gateway(shared, network)
    bound = Made(
        shared, "ec2/routeTableAssociation:RouteTableAssociation", {"subnetId": inner.id, "routeTableId": way.id}
    )
    route = Made(
        shared, "ec2/route:Route",
        {"routeTableId": way.id, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": out.id},
    )  # fmt: skip
    assert inner.change(mapPublicIpOnLaunch=True)["mapPublicIpOnLaunch"] is True
    assert inner.replaced_by(availabilityZone="eu-central-1b") == ["availabilityZone"]
    assert route.replaced_by(destinationCidrBlock="10.9.0.0/16") == ["destinationCidrBlock"]
    shared.call("ec2", "delete_route", RouteTableId=way.id, DestinationCidrBlock="0.0.0.0/0")
    assert route.live() is None
    assert bound.replaced_by(subnetId="subnet-other") == ["subnetId"]
    for made in (bound, way, out, inner, network):
        made.delete()


def test_routes_and_associations_are_imported_by_what_they_join(shared: Aws) -> None:
    network = vpc(shared)
    inner, way, out = subnet(shared, network), table(shared, network), gateway(shared, network)
    bound = Made(
        shared, "ec2/routeTableAssociation:RouteTableAssociation", {"subnetId": inner.id, "routeTableId": way.id}
    )
    route = Made(
        shared, "ec2/route:Route",
        {"routeTableId": way.id, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": out.id},
    )  # fmt: skip
    for made, name in ((bound, f"{inner.id}/{way.id}"), (route, f"{way.id}_0.0.0.0/0")):
        identifier, state = operations.named(made.kind, shared, name, {})
        assert identifier == made.id
        found = operations.read(made.kind, shared, identifier, state, {})
        assert found is not None
        assert found[1] == made.inputs
    assert operations.named(bound.kind, shared, bound.id, bound.state) == (bound.id, bound.state)


def test_a_route_is_moved_to_another_gateway_in_place(shared: Aws) -> None:
    network = vpc(shared)
    way, out = table(shared, network), gateway(shared, network)
    address = Made(shared, "ec2/eip:Eip", {"domain": "vpc", "tags": _TAGS})
    nat = Made(
        shared, "ec2/natGateway:NatGateway",
        {"subnetId": subnet(shared, network).id, "allocationId": address.id, "tags": _TAGS},
    )  # fmt: skip
    assert nat.state["publicIp"] == address.state["publicIp"]
    assert nat.replaced_by(allocationId="eipalloc-other") == ["allocationId"]
    route = Made(
        shared, "ec2/route:Route",
        {"routeTableId": way.id, "destinationCidrBlock": "0.0.0.0/0", "gatewayId": out.id},
    )  # fmt: skip
    wish = {"routeTableId": way.id, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat.id}
    state = operations.update(route.kind, shared, route.id, route.state, route.inputs, wish)
    assert state["natGatewayId"] == nat.id
    assert "gatewayId" not in state
    route.delete()
    nat.delete()
    address.delete()


@pytest.mark.parametrize("user", ["gateway", "group", "subnet"])
def test_a_network_that_is_in_use_cannot_be_deleted(shared: Aws, user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "_LIMIT_S", 0.0)
    network = vpc(shared)
    {"gateway": gateway, "group": group, "subnet": subnet}[user](shared, network)
    with pytest.raises(OperationError, match="DependencyViolation"):
        operations.delete(network.kind, shared, network.id, network.state)


def test_a_public_nat_gateway_needs_a_way_out_of_its_network(shared: Aws) -> None:
    address = Made(shared, "ec2/eip:Eip", {"domain": "vpc"})
    inputs = {"subnetId": subnet(shared, vpc(shared)).id, "allocationId": address.id}
    with pytest.raises(OperationError, match="has no Internet gateway attached"):
        Made(shared, "ec2/natGateway:NatGateway", inputs)


def test_an_address_in_use_cannot_be_released(shared: Aws) -> None:
    network = vpc(shared)
    gateway(shared, network)
    address = Made(shared, "ec2/eip:Eip", {"domain": "vpc"})
    Made(shared, "ec2/natGateway:NatGateway", {"subnetId": subnet(shared, network).id, "allocationId": address.id})
    with pytest.raises(OperationError, match=r"InvalidIPAddress\.InUse"):
        operations.delete(address.kind, shared, address.id, address.state)


def test_a_new_security_group_reaches_nothing(shared: Aws) -> None:
    made = group(shared, vpc(shared))
    found = shared.call("ec2", "describe_security_groups", GroupIds=[made.id])["SecurityGroups"][0]
    assert found["IpPermissionsEgress"] == []
    assert made.replaced_by(description="other") == ["description"]
    made.delete()


@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_a_rule_of_a_security_group_lives_its_life(shared: Aws, direction: str) -> None:
    network = vpc(shared)
    owner = group(shared, network)
    token = f"vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule"
    rule = Made(
        shared, token,
        {"securityGroupId": owner.id, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443,
         "cidrIpv4": "10.0.0.0/16", "description": "inside", "tags": _TAGS},
    )  # fmt: skip
    assert rule.seen() == rule.inputs
    assert rule.change(toPort=444, fromPort=444)["toPort"] == 444
    assert rule.replaced_by(cidrIpv4=None, referencedSecurityGroupId=owner.id) == [
        "cidrIpv4", "referencedSecurityGroupId",
    ]  # fmt: skip
    rule.delete()


def test_a_rule_without_ports_is_seen_as_it_was_given(shared: Aws) -> None:
    owner = group(shared, vpc(shared))
    rule = Made(
        shared, "vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        {"securityGroupId": owner.id, "ipProtocol": "-1", "referencedSecurityGroupId": owner.id},
    )  # fmt: skip
    assert rule.seen() == rule.inputs


def test_the_default_security_group_is_closed_and_stays_with_its_network(shared: Aws) -> None:
    network = vpc(shared)
    closed = Made(shared, "ec2/defaultSecurityGroup:DefaultSecurityGroup", {"vpcId": network.id, "tags": _TAGS})
    assert closed.id == network.state["defaultSecurityGroupId"]
    assert closed.state["ingress"] == closed.state["egress"] == []
    everyone: Json = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    shared.call("ec2", "authorize_security_group_ingress", GroupId=closed.id, IpPermissions=[everyone])
    live = closed.live()
    assert live is not None
    assert live[0]["ingress"] == [{"protocol": "tcp"}]
    operations.delete(closed.kind, shared, closed.id, closed.state)
    assert closed.live() is not None


def test_an_interface_endpoint_changes_its_groups_in_place(shared: Aws) -> None:
    network = vpc(shared)
    first, second = group(shared, network), group(shared, network)
    endpoint = Made(
        shared, "ec2/vpcEndpoint:VpcEndpoint",
        {"vpcId": network.id, "serviceName": "com.amazonaws.eu-central-1.sts", "vpcEndpointType": "Interface",
         "privateDnsEnabled": True, "subnetIds": [subnet(shared, network).id], "securityGroupIds": [first.id],
         "tags": _TAGS},
    )  # fmt: skip
    assert endpoint.seen() == endpoint.inputs
    assert endpoint.change(securityGroupIds=[second.id])["securityGroupIds"] == [second.id]
    assert endpoint.replaced_by(serviceName="com.amazonaws.eu-central-1.logs") == ["serviceName"]
    endpoint.delete()


def test_a_gateway_endpoint_is_tied_to_route_tables(shared: Aws) -> None:
    network = vpc(shared)
    first, second = table(shared, network), table(shared, network)
    endpoint = Made(
        shared, "ec2/vpcEndpoint:VpcEndpoint",
        {"vpcId": network.id, "serviceName": "com.amazonaws.eu-central-1.s3", "vpcEndpointType": "Gateway",
         "routeTableIds": [second.id, first.id], "tags": _TAGS},
    )  # fmt: skip
    assert endpoint.seen() == endpoint.inputs
    assert endpoint.state["cidrBlocks"] == ["3.5.0.0/19", "52.216.0.0/15", "54.231.0.0/16"], "moto's addresses of S3"
    assert endpoint.state["prefixListId"].startswith("pl-")
    assert endpoint.change(routeTableIds=[first.id])["routeTableIds"] == [first.id]
    third = table(shared, network)
    assert set(endpoint.change(routeTableIds=[first.id, third.id])["routeTableIds"]) == {first.id, third.id}
    endpoint.delete()


def test_a_flow_log_can_change_nothing_but_its_tags(shared: Aws) -> None:
    log = Made(
        shared, "ec2/flowLog:FlowLog",
        {"vpcId": vpc(shared).id, "trafficType": "ALL", "logDestinationType": "s3",
         "logDestination": f"arn:aws:s3:::{_bucket(shared)}", "maxAggregationInterval": 600, "tags": _TAGS},
    )  # fmt: skip
    assert log.seen() == log.inputs
    assert log.change(tags={"Name": "log"})["tags"] == {"Name": "log"}
    assert log.replaced_by(maxAggregationInterval=60) == ["maxAggregationInterval"]
    log.delete()


def test_a_flow_log_writes_to_a_log_group(shared: Aws) -> None:
    role = Made(shared, "iam/role:Role", {"name": unique("flow"), "assumeRolePolicy": "{}"})
    log = Made(
        shared, "ec2/flowLog:FlowLog",
        {"vpcId": vpc(shared).id, "trafficType": "ALL", "logDestinationType": "cloud-watch-logs",
         "logDestination": f"arn:aws:logs:eu-central-1:123456789012:log-group:{unique('flow')}",
         "iamRoleArn": role.state["arn"]},
    )  # fmt: skip
    assert log.seen() == log.inputs
    log.delete()


def _bucket(aws: Aws) -> str:
    return Made(aws, "s3/bucket:Bucket", {"bucket": unique("flow")}).id
