"""A managed node group. moto keeps it; its nodes are kwok's, in the API server of the rehearsal.

What moto lacks (raising the version, changing the launch template's version, tags, the update configuration) the
stand-in keeps.
"""

from typing import Any

from slipway.local.plugins.aws import nodes
from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.schema import (
    FIXED,
    REQUIRED,
    REQUIRED_FIXED,
    VALUE,
    Object,
    Property,
    ResourceType,
    block,
)
from slipway.local.plugins.aws.types import tags
from slipway.local.plugins.aws.types.eks import shared

_KIND = "eks.node_group"
_KEPT = ("version", "releaseVersion", "launchTemplate", "updateConfig", "nodeRepairConfig", "tags")
_CATALOGUE: dict[tuple[str, str, str], Any] = {}
_DIRECT = ("amiType", "capacityType", "diskSize", "instanceTypes", "labels", "taints", "version", "releaseVersion")


def _names(identifier: str) -> dict[str, str]:
    cluster, _, group = identifier.partition(":")
    return {"clusterName": cluster, "nodegroupName": group}


def _create(aws: Aws, inputs: Object) -> str:
    identifier = f"{inputs['clusterName']}:{inputs['nodeGroupName']}"
    shared.require_role(aws, inputs["nodeRoleArn"], "ec2.amazonaws.com", "CreateNodegroup")
    given = {key: inputs[key] for key in (*_DIRECT, "updateConfig", "nodeRepairConfig") if key in inputs}
    if template := inputs.get("launchTemplate"):
        given["launchTemplate"] = _template(template)
    _require_instances(aws, inputs)
    _require_sizes(inputs["scalingConfig"], "CreateNodegroup")
    aws.call(
        "eks", "create_nodegroup", **_names(identifier), **given, nodeRole=inputs["nodeRoleArn"],
        subnets=inputs["subnetIds"], scalingConfig=inputs["scalingConfig"], tags=inputs.get("tags") or {},
    )  # fmt: skip
    return identifier


def _template(given: Object) -> Object:
    return {key: given[key] for key in ("id", "name", "version") if given.get(key)}


def _require_instances(aws: Aws, inputs: Object) -> None:
    """Refuse types that are not offered in any of the zones, or are of another architecture than the image."""
    image = inputs.get("amiType", "")
    zones = _zones(aws, inputs["subnetIds"])
    for kind in inputs.get("instanceTypes") or ():
        found = _instance(aws, kind)
        if ("ARM" in image.upper()) != (found.architecture == "arm64") and image not in ("", "CUSTOM"):
            raise refuse(
                "InvalidParameterException", f"[{kind}] is not a valid instance type for requested amiType {image}",
                "CreateNodegroup",
            )  # fmt: skip
        if not _offered(aws, kind, zones):
            raise refuse(
                "InvalidParameterException", f"[{kind}] is offered in none of {', '.join(zones)}", "CreateNodegroup"
            )


def _require_sizes(sizes: Object, operation: str) -> None:
    """EKS refuses a number of nodes outside of the bounds (hashicorp/terraform-provider-aws#18310), moto does not."""
    least, wanted, most = sizes["minSize"], sizes["desiredSize"], sizes["maxSize"]
    if least > wanted:
        message = f"Minimum capacity {least} can't be greater than desired size {wanted}"
        raise refuse("InvalidParameterException", message, operation)
    if wanted > most:
        message = f"desired capacity {wanted} can't be greater than max size {most}"
        raise refuse("InvalidParameterException", message, operation)


def _zones(aws: Aws, subnets: list[str]) -> list[str]:
    found = aws.call("ec2", "describe_subnets", SubnetIds=subnets)["Subnets"]
    return sorted({subnet["AvailabilityZone"] for subnet in found})


def _offered(aws: Aws, kind: str, zones: list[str]) -> list[str]:
    """The zones in which EC2 has the type."""
    wanted = [{"Name": "instance-type", "Values": [kind]}]
    answer = _once(aws, kind, "describe_instance_type_offerings", LocationType="availability-zone", Filters=wanted)
    there = {offer["Location"] for offer in answer["InstanceTypeOfferings"]}
    return [zone for zone in zones if zone in there]


def _instance(aws: Aws, kind: str) -> nodes.Instance:
    """What EC2 says of the type."""
    return nodes.instance(_once(aws, kind, "describe_instance_types", InstanceTypes=[kind])["InstanceTypes"][0])


def _once(aws: Aws, kind: str, method: str, **parameters: Any) -> Any:
    """Ask EC2 once: its catalogue does not change, and moto goes through all of it for each answer."""
    key = (aws.region, kind, method)
    if key not in _CATALOGUE:
        _CATALOGUE[key] = aws.call("ec2", method, **parameters)
    return _CATALOGUE[key]


def _configure(aws: Aws, identifier: str, inputs: Object) -> None:
    """Keep what moto drops, and make the nodes."""
    aws.kept.put(_KIND, identifier, {key: inputs[key] for key in _KEPT if key in inputs})
    _converge(aws, identifier)


def _converge(aws: Aws, identifier: str) -> None:
    """Make the nodes what the group says: as many as its maximum, because no autoscaler runs in a rehearsal."""
    cluster = nodes.of_rehearsal()
    live = _read(aws, identifier, {})
    if cluster is None or live is None:
        return
    kind = live["instanceTypes"][0]
    group = nodes.Group(
        cluster=live["clusterName"],
        name=live["nodeGroupName"],
        instance=_instance(aws, kind),
        capacity=live["capacityType"],
        region=aws.region,
        zones=_offered(aws, kind, _zones(aws, live["subnetIds"])),
        nodes=live["scalingConfig"]["maxSize"],
        version=live["version"],
        labels=live["labels"],
        taints=live["taints"],
    )
    cluster.converge(group)


def _read(aws: Aws, identifier: str, state: Object) -> Object | None:
    found = aws.find("eks", "describe_nodegroup", shared.MISSING, **_names(identifier))
    if found is None:
        return None
    live: Any = found["nodegroup"]
    record = aws.kept.get(_KIND, identifier) or {}
    group_tags = record.get("tags") or live.get("tags") or {}
    return {
        "clusterName": live["clusterName"],
        "nodeGroupName": live["nodegroupName"],
        "nodeRoleArn": live["nodeRole"],
        "subnetIds": live["subnets"],
        "scalingConfig": live["scalingConfig"],
        "labels": live.get("labels") or {},
        "taints": live.get("taints") or [],
        **{key: live.get(key) for key in ("amiType", "capacityType", "diskSize", "instanceTypes", "status")},
        "version": record.get("version", live["version"]),
        "releaseVersion": record.get("releaseVersion", live.get("releaseVersion")),
        "launchTemplate": record.get("launchTemplate", live.get("launchTemplate")),
        "updateConfig": record.get("updateConfig"),
        "nodeRepairConfig": record.get("nodeRepairConfig"),
        "arn": live["nodegroupArn"],
        "resources": [{"autoscalingGroups": live["resources"]["autoScalingGroups"]}],
        **tags.outputs(group_tags),
    }


def _update(aws: Aws, identifier: str, old: Object, new: Object) -> None:
    record = aws.kept.get(_KIND, identifier) or {}
    if any(old.get(key) != new.get(key) for key in ("version", "releaseVersion", "launchTemplate")):
        given: Object = {key: new[key] for key in ("version", "releaseVersion") if key in new}
        if template := new.get("launchTemplate"):
            given["launchTemplate"] = _template(template)
        with aws.keep("eks", "update_nodegroup_version", **_names(identifier), **given) as kept:
            _require_not_ahead(aws, new)
            record |= {key: new[key] for key in ("version", "releaseVersion", "launchTemplate") if key in new}
            kept.put(_KIND, identifier, record)
    changes = _config_changes(old, new)
    if changes:
        _require_sizes(new["scalingConfig"], "UpdateNodegroupConfig")
        aws.call("eks", "update_nodegroup_config", **_names(identifier), **changes)
    if old.get("tags") != new.get("tags"):
        arn = aws.call("eks", "describe_nodegroup", **_names(identifier))["nodegroup"]["nodegroupArn"]
        with aws.keep("eks", "tag_resource", resourceArn=arn, tags=new.get("tags") or {}) as kept:
            kept.put(_KIND, identifier, record)
    record |= {key: new[key] for key in ("updateConfig", "nodeRepairConfig", "tags") if key in new}
    aws.kept.put(_KIND, identifier, record)
    _converge(aws, identifier)


def _require_not_ahead(aws: Aws, new: Object) -> None:
    """Nodes may be older than their control plane, never newer."""
    control = (aws.kept.get("eks.cluster", new["clusterName"]) or {}).get("version")
    if control and "version" in new and _minor(new["version"]) > _minor(control):
        raise refuse(
            "InvalidParameterException", f"Node group version {new['version']} is above the cluster's {control}",
            "UpdateNodegroupVersion",
        )  # fmt: skip


def _minor(version: str) -> int:
    return int(version.split(".")[1])


def _config_changes(old: Object, new: Object) -> Object:
    """The parameters of UpdateNodegroupConfig for what differs."""
    changes: Object = {}
    before, after = old.get("labels") or {}, new.get("labels") or {}
    if before != after:
        put = {key: value for key, value in after.items() if before.get(key) != value}
        changes["labels"] = {"addOrUpdateLabels": put, "removeLabels": sorted(before.keys() - after.keys())}
    taints, wanted = old.get("taints") or [], new.get("taints") or []
    if taints != wanted:
        off = [taint for taint in taints if taint not in wanted]
        on = [taint for taint in wanted if taint not in taints]
        off = [taint for taint in off if all(_place(taint) != _place(other) for other in on)]
        changes["taints"] = {"addOrUpdateTaints": on, "removeTaints": off}
    for key in ("scalingConfig", "updateConfig", "nodeRepairConfig"):
        if old.get(key) != new.get(key) and key in new:
            changes[key] = new[key]
    return changes


def _place(taint: Object) -> tuple[str, str]:
    return taint["key"], taint["effect"]


def _delete(aws: Aws, identifier: str, state: Object) -> None:
    cluster = nodes.of_rehearsal()
    if cluster is not None:
        cluster.remove(*identifier.split(":"))
    aws.find("eks", "delete_nodegroup", shared.MISSING, **_names(identifier))
    aws.kept.remove(_KIND, identifier)


NODE_GROUP = ResourceType(
    token="aws:eks/nodeGroup:NodeGroup",
    source="hashicorp/terraform-provider-aws internal/service/eks/node_group.go",
    properties={
        "clusterName": REQUIRED_FIXED,
        "nodeGroupName": REQUIRED_FIXED,
        "nodeRoleArn": REQUIRED_FIXED,
        "subnetIds": Property(required=True, replaces=True, unordered=True),
        "scalingConfig": block(required=True, desiredSize=REQUIRED, maxSize=REQUIRED, minSize=REQUIRED),
        "amiType": FIXED,
        "capacityType": FIXED,
        "diskSize": FIXED,
        "instanceTypes": FIXED,
        "labels": VALUE,
        "taints": block(unordered=True, key=REQUIRED, value=VALUE, effect=REQUIRED),
        "launchTemplate": block(id=FIXED, name=FIXED, version=REQUIRED),
        "updateConfig": block(maxUnavailable=VALUE, maxUnavailablePercentage=VALUE),
        "nodeRepairConfig": block(enabled=VALUE, maxParallelNodesRepairedCount=VALUE),
        "version": VALUE,
        "releaseVersion": VALUE,
        "tags": VALUE,
    },
    computed=frozenset({"arn", "status", "resources", "tagsAll"}),
    name="nodeGroupName", create=_create, configure=_configure, read=_read, update=_update, delete=_delete,
)  # fmt: skip
