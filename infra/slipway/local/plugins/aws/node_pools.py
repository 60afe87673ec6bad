"""A stand-in for Karpenter in a rehearsal: makes the nodes of each NodePool, all that its limits allow, at once.

It schedules nothing and consolidates nothing: what it holds is that the objects are ones the API server takes by the
definitions of Karpenter, that their nodes have what models ask for, and that an EC2NodeClass stays until its last node
is gone. What nodes have is Amazon's own DescribeInstanceTypes, by way of moto.
"""

import argparse
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

from kubernetes import client, config

from slipway.local.plugins.aws import nodes
from slipway.local.plugins.aws.backend import Aws, Backend
from slipway.local.plugins.aws.nodes import POOL_LABEL, Group, Instance, Nodes

FINALIZER = "karpenter.k8s.aws/termination"
_GROUPS = {"nodepools": "karpenter.sh", "ec2nodeclasses": "karpenter.k8s.aws"}
_POLL_S = 0.5
_VCPU_RESOURCE = "cpu"
_PROFILE_SUFFIX = "-nodes"
"""Of the instance profile, which begins with the cluster's name."""


class NodePools:
    """What the stand-in does, step by step."""

    def __init__(self, kubeconfig: Path, aws: Aws) -> None:
        api = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
        self._objects, self._version = client.CustomObjectsApi(api), client.VersionApi(api)
        self._nodes, self._aws = Nodes(kubeconfig), aws
        self._instances: dict[str, Instance] = {}
        self._made: dict[str, tuple[str, int]] = {}

    def step(self) -> None:
        """Make the nodes of the NodePools that changed, remove those of NodePools that are gone, let classes go."""
        classes, pools = self._listed("ec2nodeclasses"), self._listed("nodepools")
        for one in classes.values():
            if "deletionTimestamp" not in one["metadata"] and FINALIZER not in one["metadata"].get("finalizers", []):
                self._finalizers(one, [FINALIZER])
        for name, pool in pools.items():
            node_class = classes.get(pool["spec"]["template"]["spec"]["nodeClassRef"]["name"])
            if node_class is None:
                continue
            cluster = node_class["spec"]["instanceProfile"].removesuffix(_PROFILE_SUFFIX)
            made = (cluster, pool["metadata"]["generation"])
            if self._made.get(name) != made:
                self._nodes.converge(self._group(cluster, pool, node_class))
                self._made[name] = made
        for name in self._made.keys() - pools.keys():
            self._nodes.remove(self._made.pop(name)[0], name, POOL_LABEL)
        used = {pool["spec"]["template"]["spec"]["nodeClassRef"]["name"] for pool in pools.values()}
        for name, one in classes.items():
            if "deletionTimestamp" in one["metadata"] and name not in used and one["metadata"].get("finalizers"):
                self._finalizers(one, [])

    def _listed(self, plural: str) -> dict[str, dict[str, Any]]:
        found: Any = self._objects.list_cluster_custom_object(_GROUPS[plural], "v1", plural)
        return {item["metadata"]["name"]: item for item in found["items"]}

    def _finalizers(self, node_class: dict[str, Any], wanted: list[str]) -> None:
        self._objects.patch_cluster_custom_object(
            _GROUPS["ec2nodeclasses"],
            "v1",
            "ec2nodeclasses",
            node_class["metadata"]["name"],
            {"metadata": {"finalizers": wanted}},
        )

    def _group(self, cluster: str, pool: dict[str, Any], node_class: dict[str, Any]) -> Group:
        template = pool["spec"]["template"]
        wanted = {one["key"]: one["values"] for one in template["spec"]["requirements"]}
        instance = replace(
            self._instance(wanted["node.kubernetes.io/instance-type"][0]),
            max_pods=node_class["spec"]["kubelet"]["maxPods"],
        )
        ((resource, limit),) = pool["spec"]["limits"].items()
        each = instance.cpus if resource == _VCPU_RESOURCE else instance.gpus
        return Group(
            cluster=cluster,
            name=pool["metadata"]["name"],
            instance=instance,
            capacity=wanted["karpenter.sh/capacity-type"][0],
            region=self._aws.region,
            zones=wanted["topology.kubernetes.io/zone"],
            nodes=int(limit) // each,
            version=self._version.get_code().git_version.removeprefix("v"),
            labels=template["metadata"]["labels"],
            taints=template["spec"].get("taints") or [],
            kind=POOL_LABEL,
        )

    def _instance(self, name: str) -> Instance:
        if name not in self._instances:
            (found,) = self._aws.call("ec2", "describe_instance_types", InstanceTypes=[name])["InstanceTypes"]
            self._instances[name] = nodes.instance(found)
        return self._instances[name]


def main() -> None:
    """Read the command line, and work until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m slipway.local.plugins.aws.node_pools", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder for the journal of calls")
    parser.add_argument("--moto", required=True, help="address of moto")
    parser.add_argument("--region", required=True, help="of the environment")
    given = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    aws = Backend(given.state, given.moto).aws(given.region, "Karpenter's stand-in")
    pools = NodePools(Path(os.environ[nodes.KUBECONFIG]), aws)
    while not stop.is_set():
        pools.step()
        stop.wait(_POLL_S)


if __name__ == "__main__":
    main()
