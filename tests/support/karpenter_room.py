"""Karpenter on a control plane of its own: apply objects, look at nodes, wait for what it brings about."""

import json
import time
import urllib.error
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from moto import mock_aws

from slipway.rehearsal import control_plane, karpenter
from slipway.rehearsal.control_plane import ControlPlane
from slipway.rehearsal.instance_types import account
from slipway.rehearsal.processes import Children
from slipway.settings.aws import AwsSettings
from slipway.values.names import POOL_LABEL

LIMIT_S = 120.0
"""Much longer than anything takes here: a test that waits so long has failed, also on a busy machine."""

_PATHS = {
    "Namespace": "/api/v1/namespaces",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Pod": "/api/v1/namespaces/{}/pods",
    "Node": "/api/v1/nodes",
    "Event": "/api/v1/events",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "NodePool": "/apis/karpenter.sh/v1/nodepools",
    "NodeClaim": "/apis/karpenter.sh/v1/nodeclaims",
    "NodeOverlay": "/apis/karpenter.sh/v1alpha1/nodeoverlays",
    "EC2NodeClass": "/apis/karpenter.k8s.aws/v1/ec2nodeclasses",
}


@dataclass(frozen=True)
class Room:
    """A control plane with Karpenter. Objects without a namespace are in `namespace`."""

    plane: ControlPlane
    children: Children
    namespace: str = "models"

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Create objects, or change them to be so."""
        for one in objects:
            named = one["metadata"]
            path = f"{self._path(one['kind'], named.get('namespace'))}/{named['name']}"
            self._send("PATCH", f"{path}?fieldManager=test&force=true", one, "application/apply-patch+yaml")

    def patch(self, kind: str, name: str, change: Mapping[str, Any]) -> None:
        """Change an object by a merge patch."""
        self._send("PATCH", f"{self._path(kind)}/{name}", change, "application/merge-patch+json")

    def delete(self, kind: str, name: str) -> None:
        """Delete an object."""
        self._send("DELETE", f"{self._path(kind)}/{name}")

    def items(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        """Objects of a kind."""
        found: dict[str, Any] = self._send("GET", f"{self._path(kind)}?labelSelector={selector}")
        items: list[dict[str, Any]] = found["items"]
        return items

    def nodes(self, pool: str) -> dict[str, dict[str, Any]]:
        """The nodes of a pool, by name."""
        return {one["metadata"]["name"]: one for one in self.items("Node", f"{POOL_LABEL}={pool}")}

    def placed(self, app: str) -> list[str]:
        """The nodes on which a Deployment's pods run and are not being taken away, a node once for each of its pods."""
        pods = [one for one in self.items("Pod", f"app={app}") if "deletionTimestamp" not in one["metadata"]]
        return [one["spec"]["nodeName"] for one in pods if one["status"]["phase"] == "Running"]

    def wait(self, what: str, probe: Callable[[], bool], watch: Callable[[], None] = lambda: None) -> None:
        """Wait for something; `watch` is called at each look, and may refuse what it sees."""

        def look() -> bool:
            watch()
            return probe()

        self.children.wait_until(what, LIMIT_S, look)

    def stays(self, seconds: float, probe: Callable[[], bool]) -> bool:
        """Whether something is so, and remains so for as long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not probe():
                return False
            time.sleep(0.5)
        return True

    def _path(self, kind: str, namespace: str | None = None) -> str:
        return _PATHS[kind].format(namespace or self.namespace)

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, sort: str = "application/json"
    ) -> Any:
        data = None if body is None else json.dumps(body).encode()
        try:
            return json.loads(control_plane.send(self.plane, method, path, data, sort))
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.read().decode()}") from error


@contextmanager
def room(folder: Path, settings: AwsSettings) -> Iterator[Room]:
    """Karpenter with what EC2 has for an environment, without any pool."""
    (folder / "logs").mkdir()
    with Children(folder / "logs") as children:
        plane = control_plane.start(folder / "control-plane", children, print, platform=False)
        karpenter.start(plane, folder, children, account(settings, described), print)
        made = Room(plane, children)
        made.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": made.namespace}})
        made.wait("the namespace's account", lambda: bool(made.items("ServiceAccount")))
        yield made


def described(names: Sequence[str]) -> list[dict[str, Any]]:
    """EC2's description of instance types, as moto carries it."""
    with mock_aws():
        client = boto3.client("ec2", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="a")
        found: list[dict[str, Any]] = client.describe_instance_types(InstanceTypes=list(names))["InstanceTypes"]
    return found


def deployment(name: str, pool: str, replicas: int, cpu: str, memory: str = "1Gi") -> dict[str, Any]:
    """A Deployment whose pods are bound to a pool as a model's are."""
    labels = {"app": name}
    requests = {"cpu": cpu, "memory": memory}
    pod = {
        "nodeSelector": {POOL_LABEL: pool},
        "containers": [{"name": "server", "image": "none", "resources": {"requests": requests}}],
    }
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}}
    template = {"metadata": {"labels": labels}, "spec": pod}
    named = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}}
    return {**named, "spec": {**spec, "template": template}}
