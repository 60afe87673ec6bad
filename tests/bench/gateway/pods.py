"""Put the benchmark's own pods into the environment's namespace, and lead the gateway to them as to a model."""

import copy
import json
from typing import Any

from slipway.cluster.api import Cluster
from slipway.values.names import GATEWAY_CERTIFICATE
from tests.bench.gateway import peers
from tests.support import pod_processes

_SECURE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_PART = "slipway.dev/bench"
STUB_PORT = 8080


def run(cluster: Cluster, name: str, image: str, arguments: list[str], *, service: str = "") -> str:
    """Run one pod that answers on STUB_PORT, behind a Service of its own name or of another; gives its address."""
    _deployment(cluster, name, image, arguments, STUB_PORT, [], [], service or name)
    return _address(cluster, name)


def serve(cluster: Cluster, name: str, port: int) -> int:
    """Make a NodePort Service for the pods that are behind this name; gives the port on loopback."""
    ports = [{"port": port, "targetPort": port}]
    spec = {"type": "NodePort", "selector": {f"{_PART}-service": name}, "ports": ports}
    made = cluster.create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
    return int(made["spec"]["ports"][0]["nodePort"])


def peer(cluster: Cluster, name: str, image: str, arguments: list[str], config: str) -> int:
    """Run Envoy or nginx with its configuration and the gateway's certificate; gives its port on loopback."""
    data = {name: config}
    cluster.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
    volumes = [
        {"name": "config", "configMap": {"name": name}},
        {"name": "tls", "secret": {"secretName": GATEWAY_CERTIFICATE}},
        {"name": "tmp", "emptyDir": {}},
    ]
    mounts = [
        {"name": "config", "mountPath": peers.CONFIG_FOLDER},
        {"name": "tls", "mountPath": peers.TLS_FOLDER},
        {"name": "tmp", "mountPath": "/tmp"},
    ]
    _deployment(cluster, name, image, arguments, peers.PORT, volumes, mounts, name)
    pod_processes.ready(cluster, f"{_PART}={name}", 1)
    return serve(cluster, name, peers.PORT)


def pods(cluster: Cluster, name: str) -> list[dict[str, Any]]:
    """The pods of one part."""
    return cluster.list("Pod", f"{_PART}={name}")


def route(cluster: Cluster, model: str, name: str) -> dict[str, dict[str, Any]]:
    """The objects that lead to a model, made anew so that they lead to `name`; its Service's port is STUB_PORT.

    Gives them by kind; none is applied. What Slipway rendered stays as it is but for names.
    """
    made = {}
    for kind in ("HTTPRoute", "BackendTrafficPolicy", "SecurityPolicy"):
        there = cluster.read(kind, model)
        if there is None:
            raise RuntimeError(f"{kind} {model} is not there: `slipway up` made no way to the model")
        spec = copy.deepcopy(there["spec"])
        for target in spec.get("targetRefs", []):
            target["name"] = name
        metadata: dict[str, Any] = {"name": name}
        if kind == "HTTPRoute":
            rules = json.loads(there["metadata"]["annotations"]["slipway.dev/route"]) | {"model": name}
            metadata["annotations"] = {"slipway.dev/route": json.dumps(rules)}
            spec["rules"][0]["matches"][0]["path"]["value"] = f"/models/{name}"
            spec["rules"][0]["backendRefs"][0] |= {"name": name, "port": STUB_PORT}
        if kind == "SecurityPolicy":
            spec["extAuth"]["http"]["path"] = f"/check/{name}"
        made[kind] = {"apiVersion": there["apiVersion"], "kind": kind, "metadata": metadata, "spec": spec}
    return made


def _deployment(
    cluster: Cluster,
    name: str,
    image: str,
    arguments: list[str],
    port: int,
    volumes: list[dict[str, Any]],
    mounts: list[dict[str, Any]],
    service: str,
) -> None:
    labels = {_PART: name, f"{_PART}-service": service}
    container = {
        "name": name,
        "image": image,
        "args": arguments,
        "ports": [{"containerPort": port}],
        "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": _SECURE,
        "volumeMounts": mounts,
    }
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "volumes": volumes, "enableServiceLinks": False},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": {_PART: name}}, "template": template}
    cluster.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec})


def _address(cluster: Cluster, name: str) -> str:
    (pod,) = pod_processes.ready(cluster, f"{_PART}={name}", 1)
    return str(pod["status"]["podIP"])
