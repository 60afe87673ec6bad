"""Make kwok nodes of a group or a pool: what EC2 instances and kubelets would tell the API server about themselves.

CPU, memory and GPUs of an instance type are those of Amazon's own DescribeInstanceTypes, which moto carries, so that
Slipway's table is held against another source.
"""

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client, config

KUBECONFIG = "SLIPWAY_REHEARSAL_KUBECONFIG"
"""The variable that names the kubeconfig of the API server that takes the nodes."""
GROUP_LABEL = "eks.amazonaws.com/nodegroup"
POOL_LABEL = "karpenter.sh/nodepool"
MARK = "slipway.dev/rehearsal"
"""The label, with the cluster's name, by which nodes of a rehearsal are found."""

_CAPACITY_LABELS = {GROUP_LABEL: "eks.amazonaws.com/capacityType", POOL_LABEL: "karpenter.sh/capacity-type"}
_EVICTION_MIB = 100
_EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
_ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}
_MIG_PROFILE = re.compile(r"(?P<slices>[1-7])g\.(?P<gigabytes>[0-9]+)gb")
_TIME_SLICING = re.compile(r".*?(?P<replicas>[0-9]+)")


@dataclass(frozen=True)
class Instance:
    """An instance type, from EC2's answer. Memory in MiB."""

    name: str
    cpus: int
    memory: int
    architecture: str
    max_pods: int
    gpus: int = 0
    gpu_memory: int = 0


@dataclass(frozen=True)
class Group:
    """A managed node group, or a NodePool of Karpenter, as its nodes show it.

    `kind`: the label by which its nodes are known. `taints`: with their effect as EKS or as Kubernetes spells it.
    """

    cluster: str
    name: str
    instance: Instance
    capacity: str
    region: str
    zones: Sequence[str]
    nodes: int
    version: str
    labels: Mapping[str, str]
    taints: Sequence[Mapping[str, str]]
    kind: str = GROUP_LABEL


def instance(described: Mapping[str, Any]) -> Instance:
    """Read one item of DescribeInstanceTypes."""
    network, cpus = described["NetworkInfo"], int(described["VCpuInfo"]["DefaultVCpus"])
    # The VPC plugin gives each pod an address of an interface; the limit is 110 pods up to 30 vCPUs, 250 above.
    addresses = network["MaximumNetworkInterfaces"] * (network["Ipv4AddressesPerInterface"] - 1) + 2
    (gpu,) = described["GpuInfo"]["Gpus"] if "GpuInfo" in described else ({},)
    return Instance(
        name=described["InstanceType"],
        cpus=cpus,
        memory=int(described["MemoryInfo"]["SizeInMiB"]),
        architecture=_ARCHITECTURES[described["ProcessorInfo"]["SupportedArchitectures"][0]],
        max_pods=min(addresses, 110 if cpus <= 30 else 250),
        gpus=int(gpu.get("Count", 0)),
        gpu_memory=int(gpu.get("MemoryInfo", {}).get("SizeInMiB", 0)),
    )


def allocatable(kind: Instance, labels: Mapping[str, str]) -> dict[str, str]:
    """What a node leaves for pods, by the rules of Amazon's EKS node images and of NVIDIA's device plugin.

    The images' bootstrap keeps back 6 % of the first core, 1 % of the second, 0.5 % of two more and 0.25 % of the
    rest, 255 MiB and 11 MiB for each pod (awslabs/amazon-eks-ami, read 2026-11-21), and the kubelet 100 MiB so as
    not to run out.
    """
    millicores = kind.cpus * 1000
    reserved = 60 + 10 * (kind.cpus > 1) + 5 * min(max(kind.cpus - 2, 0), 2) + 2.5 * max(kind.cpus - 4, 0)
    memory = kind.memory - 255 - 11 * kind.max_pods - _EVICTION_MIB
    return {
        "cpu": f"{millicores - math.ceil(reserved)}m",
        "memory": f"{memory}Mi",
        "pods": str(kind.max_pods),
        "ephemeral-storage": "80Gi",
        **_gpus(kind, labels),
    }


def _gpus(kind: Instance, labels: Mapping[str, str]) -> dict[str, str]:
    """What the device plugin would advertise: whole GPUs, each several times (time-slicing), or their parts (MIG)."""
    if not kind.gpus:
        return {}
    mig, sliced = labels.get("nvidia.com/mig.config"), labels.get("nvidia.com/device-plugin.config")
    if mig and mig != "all-disabled":
        profile = mig.removeprefix("all-")
        return {f"nvidia.com/mig-{profile}": str(kind.gpus * _mig_instances(profile, kind.gpu_memory))}
    found = _TIME_SLICING.fullmatch(sliced) if sliced else None
    return {"nvidia.com/gpu": str(kind.gpus * (int(found["replicas"]) if found else 1))}


def _mig_instances(profile: str, gpu_memory: int) -> int:
    """How many instances of a profile fit on a GPU of seven compute and eight memory slices (A100, H100).

    The numbers of NVIDIA's table of supported MIG profiles follow from the slices.
    """
    found = _MIG_PROFILE.fullmatch(profile)
    if not found:
        raise ValueError(f"nvidia.com/mig.config: {profile} is not a MIG profile such as 1g.10gb")
    slice_gigabytes = gpu_memory / 1024 / 8
    return min(7 // int(found["slices"]), int(8 // (int(found["gigabytes"]) / slice_gigabytes)))


def bodies(group: Group) -> dict[str, dict[str, Any]]:
    """The nodes of a group by name, spread over its zones."""
    return {_name(group, index): _body(group, index) for index in range(group.nodes)}


def _name(group: Group, index: int) -> str:
    return f"{group.name}-{index}"


def _body(group: Group, index: int) -> dict[str, Any]:
    name = _name(group, index)
    holds = allocatable(group.instance, group.labels)
    taints = [
        {"key": taint["key"], "value": taint.get("value", ""), "effect": _EFFECTS.get(taint["effect"], taint["effect"])}
        for taint in group.taints
    ]
    labels = {
        **group.labels,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": group.instance.architecture,
        "node.kubernetes.io/instance-type": group.instance.name,
        "topology.kubernetes.io/region": group.region,
        "topology.kubernetes.io/zone": group.zones[index % len(group.zones)],
        group.kind: group.name,
        _CAPACITY_LABELS[group.kind]: group.capacity,
        MARK: group.cluster,
    }
    info = {
        "architecture": group.instance.architecture,
        "operatingSystem": "linux",
        "kubeletVersion": f"v{group.version}",
        **dict.fromkeys(("bootID", "kernelVersion", "kubeProxyVersion", "machineID", "systemUUID"), ""),
        "containerRuntimeVersion": "kwok://",
        "osImage": "a kwok node of a rehearsal",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}},
        "spec": {"taints": taints},
        "status": {"capacity": holds, "allocatable": holds, "nodeInfo": info},
    }


class Nodes:
    """The nodes of one API server."""

    def __init__(self, kubeconfig: Path) -> None:
        self._core = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))  # type: ignore[no-untyped-call]

    def converge(self, group: Group) -> None:
        """Make a group's nodes what they should be: add, relabel in place, remove."""
        wanted, there = bodies(group), self._live(group.cluster, (group.kind, group.name))
        for name, body in wanted.items():
            if name not in there:
                self._core.create_node(body)  # type: ignore[arg-type]
                continue
            # A merge patch takes away the labels that are named with null.
            gone = dict.fromkeys(set(there[name].metadata.labels) - set(body["metadata"]["labels"]))
            labels = {**gone, **body["metadata"]["labels"]}
            self._core.patch_node(name, {"metadata": {"labels": labels}, "spec": {"taints": body["spec"]["taints"]}})
            self._core.patch_node_status(name, {"status": body["status"]})
        for name in there.keys() - wanted.keys():
            self._core.delete_node(name)

    def remove(self, cluster: str, group: str, kind: str = GROUP_LABEL) -> None:
        """Delete the nodes of a group, or of a NodePool."""
        for name in self._live(cluster, (kind, group)):
            self._core.delete_node(name)

    def names(self, cluster: str) -> list[str]:
        """All nodes of a cluster's groups."""
        return sorted(self._live(cluster))

    def labels(self, cluster: str) -> dict[str, dict[str, str]]:
        """The labels of the nodes of a cluster's groups, by node."""
        return {name: dict(node.metadata.labels) for name, node in self._live(cluster).items()}

    def _live(self, cluster: str, group: tuple[str, str] | None = None) -> dict[str, Any]:
        selector = f"{MARK}={cluster}" + (f",{group[0]}={group[1]}" if group else "")
        listed: Any = self._core.list_node(label_selector=selector)
        return {item.metadata.name: item for item in listed.items}


def of_rehearsal() -> "Nodes | None":
    """The nodes of the API server that the rehearsal runs with; None when it runs without one."""
    kubeconfig = os.environ.get(KUBECONFIG)
    return Nodes(Path(kubeconfig)) if kubeconfig else None
