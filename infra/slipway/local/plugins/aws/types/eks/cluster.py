"""A cluster of EKS. Its API server is the rehearsal's: endpoint and certificate authority lead there.

moto keeps the cluster; what it drops (access configuration, upgrade policy, deletion protection, a raised version) the
stand-in keeps beside it. AWS makes a security group along with a cluster, and so does this.
"""

import json
import os
from pathlib import Path
from typing import Any

from slipway.local.plugins.aws.backend import Aws, refuse
from slipway.local.plugins.aws.nodes import KUBECONFIG
from slipway.local.plugins.aws.schema import (
    FIXED,
    REQUIRED,
    REQUIRED_FIXED,
    SET,
    VALUE,
    Object,
    Property,
    ResourceType,
    block,
)
from slipway.local.plugins.aws.types import kms, log_group, tags
from slipway.local.plugins.aws.types.eks import shared

_KIND = "eks.cluster"
_UPDATABLE = ("accessConfig", "deletionProtection", "upgradePolicy", "zonalShiftConfig")
_KEPT = ("bootstrapSelfManagedAddons", "version", *_UPDATABLE)
_LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")


def _create(aws: Aws, inputs: Object) -> str:
    name = inputs["name"]
    shared.require_role(aws, inputs["roleArn"], "eks.amazonaws.com", "CreateCluster")
    _require_zones(aws, inputs["vpcConfig"]["subnetIds"])
    for key in _keys(inputs):
        kms.require_key(aws, key, "CreateCluster")
    aws.call("eks", "create_cluster", **_parameters(inputs))
    return str(name)


def _parameters(inputs: Object) -> dict[str, Any]:
    given: dict[str, Any] = {
        "name": inputs["name"],
        "roleArn": inputs["roleArn"],
        "resourcesVpcConfig": inputs["vpcConfig"],
        "logging": _logging(inputs),
        "tags": inputs.get("tags") or {},
    }
    if config := inputs.get("encryptionConfig"):
        given["encryptionConfig"] = [
            {"provider": {"keyArn": config["provider"]["keyArn"]}, "resources": config["resources"]}
        ]
    for key in ("kubernetesNetworkConfig", *_KEPT):
        if key in inputs:
            given[key] = inputs[key]
    return given


def _logging(inputs: Object) -> dict[str, Any]:
    wanted = inputs.get("enabledClusterLogTypes") or []
    off = [kind for kind in _LOG_TYPES if kind not in wanted]
    setups = [{"types": sorted(wanted), "enabled": True}, {"types": off, "enabled": False}]
    return {"clusterLogging": [setup for setup in setups if setup["types"]]}


def _keys(inputs: Object) -> list[str]:
    config = inputs.get("encryptionConfig")
    return [config["provider"]["keyArn"]] if config else []


def _require_zones(aws: Aws, subnets: list[str]) -> None:
    found = aws.call("ec2", "describe_subnets", SubnetIds=subnets)["Subnets"]
    if len({subnet["AvailabilityZone"] for subnet in found}) < 2:
        raise refuse(
            "InvalidParameterException", "Subnets specified must be in at least two different AZs", "CreateCluster"
        )


def _configure(aws: Aws, name: str, inputs: Object) -> None:
    """Keep what moto drops, and make the group that AWS makes; once."""
    record = aws.kept.get(_KIND, name) or {}
    for key in _KEPT:
        if key in inputs:
            record[key] = inputs[key]
    if "securityGroup" not in record:
        subnet = aws.call("ec2", "describe_subnets", SubnetIds=inputs["vpcConfig"]["subnetIds"][:1])["Subnets"][0]
        group = f"eks-cluster-sg-{name}"
        tag = {"ResourceType": "security-group", "Tags": tags.pairs({f"kubernetes.io/cluster/{name}": "owned"})}
        made = aws.itself.call(
            "ec2", "create_security_group", GroupName=group, VpcId=subnet["VpcId"], TagSpecifications=[tag],
            Description="EKS created security group applied to ENI that is attached to EKS Control Plane",
        )  # fmt: skip
        record["securityGroup"], record["vpcId"] = made["GroupId"], subnet["VpcId"]
    aws.kept.put(_KIND, name, record)


def _read(aws: Aws, name: str, state: Object) -> Object | None:
    found = aws.find("eks", "describe_cluster", shared.MISSING, name=name)
    if found is None:
        return None
    live, record = found["cluster"], aws.kept.get(_KIND, name) or {}
    network = live["resourcesVpcConfig"]
    server, authority = _api_server(live)
    logs = [kind for setup in live["logging"]["clusterLogging"] if setup["enabled"] for kind in setup["types"]]
    encryption = live.get("encryptionConfig") or []
    return {
        "name": name,
        "arn": live["arn"],
        "roleArn": live["roleArn"],
        "version": record.get("version", live["version"]),
        "status": live["status"],
        "platformVersion": live["platformVersion"],
        "createdAt": shared.text(live["createdAt"]),
        "endpoint": server,
        "certificateAuthority": {"data": authority},
        "identities": [{"oidcs": [{"issuer": live["identity"]["oidc"]["issuer"]}]}],
        "enabledClusterLogTypes": sorted(logs),
        "encryptionConfig": encryption[0] if encryption else None,
        "kubernetesNetworkConfig": live.get("kubernetesNetworkConfig"),
        "vpcConfig": {**network, "clusterSecurityGroupId": record.get("securityGroup"), "vpcId": record.get("vpcId")},
        **{key: record.get(key) for key in ("bootstrapSelfManagedAddons", *_UPDATABLE)},
        **tags.outputs(live.get("tags") or {}),
    }


def _api_server(live: Any) -> tuple[str, str]:
    """Where the cluster is reached: at the rehearsal's API server; without one, where moto says, which is nowhere."""
    kubeconfig = os.environ.get(KUBECONFIG)
    if not kubeconfig:
        return live["endpoint"], live["certificateAuthority"]["data"]
    cluster = json.loads(Path(kubeconfig).read_text())["clusters"][0]["cluster"]
    return cluster["server"], cluster["certificate-authority-data"]


def _update(aws: Aws, name: str, old: Object, new: Object) -> None:
    record = aws.kept.get(_KIND, name) or {}
    if old.get("version") != new.get("version"):
        _require_next(record.get("version"), new["version"])
        with aws.keep("eks", "update_cluster_version", name=name, version=new["version"]) as kept:
            record["version"] = new["version"]
            kept.put(_KIND, name, record)
    if old.get("vpcConfig") != new.get("vpcConfig"):
        aws.call("eks", "update_cluster_config", name=name, resourcesVpcConfig=new["vpcConfig"])
    if old.get("enabledClusterLogTypes") != new.get("enabledClusterLogTypes"):
        aws.call("eks", "update_cluster_config", name=name, logging=_logging(new))
    if old.get("encryptionConfig") != new.get("encryptionConfig"):
        raise refuse("InvalidRequestException", "this change of the encryption is not rehearsed", "UpdateClusterConfig")
    for key in _UPDATABLE:
        if old.get(key) != new.get(key):
            with aws.keep("eks", "update_cluster_config", name=name, **{key: _updatable(key, new.get(key))}) as kept:
                record[key] = new.get(key)
                kept.put(_KIND, name, record)
    put, off = tags.changed(old, new)
    arn = shared.cluster(aws, name)["arn"] if put or off else ""
    if off:
        aws.call("eks", "untag_resource", resourceArn=arn, tagKeys=off)
    if put:
        aws.call("eks", "tag_resource", resourceArn=arn, tags=put)


def _updatable(key: str, value: Any) -> Any:
    """The part of a block that an update may name."""
    return {"authenticationMode": value["authenticationMode"]} if key == "accessConfig" else value


def _require_next(now: str | None, wanted: str) -> None:
    """EKS raises a version by one minor version at a time and never lowers it."""
    if now is None:
        return
    before, after = (tuple(int(part) for part in version.split(".")) for version in (now, wanted))
    if after[0] != before[0] or after[1] != before[1] + 1:
        raise refuse(
            "InvalidParameterException", f"Unsupported Kubernetes minor version update from {now} to {wanted}",
            "UpdateClusterVersion",
        )  # fmt: skip


def _delete(aws: Aws, name: str, state: Object) -> None:
    record = aws.kept.get(_KIND, name) or {}
    if record.get("deletionProtection"):
        raise refuse("InvalidRequestException", "Deletion protection is enabled for this cluster", "DeleteCluster")
    if _logs_still(aws, name):
        # What is under way when the cluster goes is written later, into whatever group has the name by then.
        aws.kept.put(log_group.LATE, log_group.of_cluster(name), {})
    aws.find("eks", "delete_cluster", shared.MISSING, name=name)
    if "securityGroup" in record:
        aws.itself.find("ec2", "delete_security_group", ("InvalidGroup.NotFound",), GroupId=record["securityGroup"])
    for kind, records in aws.kept.all().items():
        for key in records if kind in shared.KINDS_OF_CLUSTER else ():
            if key.startswith(f"{name}:"):
                aws.kept.remove(kind, key)
    aws.kept.remove(_KIND, name)


def _logs_still(aws: Aws, name: str) -> bool:
    """Whether the control plane writes logs."""
    found = aws.find("eks", "describe_cluster", shared.MISSING, name=name)
    setups = found["cluster"]["logging"]["clusterLogging"] if found else []
    return any(setup["enabled"] and setup["types"] for setup in setups)


CLUSTER = ResourceType(
    token="aws:eks/cluster:Cluster",
    source="hashicorp/terraform-provider-aws internal/service/eks/cluster.go",
    properties={
        "name": FIXED,
        "roleArn": REQUIRED_FIXED,
        "version": VALUE,
        "enabledClusterLogTypes": SET,
        "deletionProtection": VALUE,
        "bootstrapSelfManagedAddons": FIXED,
        "accessConfig": block(authenticationMode=VALUE, bootstrapClusterCreatorAdminPermissions=FIXED),
        "upgradePolicy": block(supportType=VALUE),
        "zonalShiftConfig": block(enabled=VALUE),
        "encryptionConfig": block(provider=block(required=True, keyArn=REQUIRED), resources=Property(unordered=True)),
        "kubernetesNetworkConfig": block(ipFamily=FIXED, serviceIpv4Cidr=FIXED),
        "vpcConfig": block(
            required=True,
            subnetIds=Property(required=True, unordered=True),
            securityGroupIds=SET,
            endpointPrivateAccess=VALUE,
            endpointPublicAccess=VALUE,
            publicAccessCidrs=SET,
        ),
        "tags": VALUE,
    },
    computed=frozenset(
        {
            "arn", "status", "platformVersion", "createdAt", "endpoint", "certificateAuthority",
            "identities", "tagsAll",
        }
    ),
    name="name", create=_create, configure=_configure, read=_read, update=_update, delete=_delete,
)  # fmt: skip
