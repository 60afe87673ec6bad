"""Lay out what a model's pod would find in its container: its configuration, its weights, the gateway's key."""

import json
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from slipway.cluster.api import Cluster
from slipway.values.aliases import Json
from slipway.values.quantities import parse_bytes

_CONFIG = "server.json"
_OF_MODELS = "server"
"""Container of a model's pod."""


class NoServer(Exception):
    """Nothing can run for a pod; `str()` says why."""


def pod_at(cluster: Cluster, address: str, port: int) -> Json:
    """The pod that has an address and listens on a port; raises `NoServer`."""
    query = {"fieldSelector": f"status.podIP={address},status.phase=Running"}
    found = json.loads(cluster.request("GET", "/api/v1/pods", query=query))["items"]
    for pod in found:
        ports = [one["containerPort"] for one in _server(pod).get("ports") or []]
        if "deletionTimestamp" not in pod["metadata"] and port in ports:
            return dict(pod)
    raise NoServer("no pod of a model listens there, and no others run here")


def lay_out(cluster: Cluster, pod: Json, images: Path, folder: Path, port: int) -> Path:
    """Write the files of a pod into a new folder, for a server on a port of the loopback.

    Returns the server's configuration. Raises `NoServer` for a pod whose weights or objects are not there.
    """
    container = _server(pod)
    folder.mkdir(parents=True)
    volumes = {
        mount["mountPath"]: volume["configMap"]["name"]
        for mount in container.get("volumeMounts") or []
        for volume in pod["spec"]["volumes"]
        if volume["name"] == mount["name"] and "configMap" in volume
    }
    namespace = pod["metadata"]["namespace"]
    for name in volumes.values():
        for key, text in _config_map(cluster, namespace, name).items():
            (folder / name).mkdir(exist_ok=True)
            (folder / name / key).write_text(text)
    place = PurePosixPath({one["name"]: one.get("value", "") for one in container["env"]}["SLIPWAY_CONFIG"])
    config: dict[str, Any] = json.loads((folder / volumes[str(place.parent)] / place.name).read_text())
    image = images / container["image"].rpartition("@")[2].replace(":", "-")
    config["model"]["path"] = str(_weights(image, config["model"]["path"]))
    for key in ("accelerator", "gpu_memory_bytes"):
        config["model"].pop(key, None)
    if "gate" in config:
        trusted = PurePosixPath(config["gate"]["public_key"])
        config["gate"]["public_key"] = str(folder / volumes[str(trusted.parent)] / trusted.name)
    config.pop("grpc", None)
    memory = parse_bytes(container["resources"]["limits"]["memory"])
    config |= {"host": "127.0.0.1", "port": port, "drain_s": 0.0, "memory_bytes": memory}
    written = folder / _CONFIG
    written.write_text(json.dumps(config))
    return written


def _server(pod: Json) -> Json:
    """The container of a model's server; an empty one of a pod that has none."""
    return next((one for one in pod["spec"]["containers"] if one["name"] == _OF_MODELS), {})


def _weights(image: Path, path: str) -> Path:
    """A file of an image, `/model/model.onnx`, on this machine."""
    found = image / PurePosixPath(path).relative_to("/")
    if not found.exists():
        raise NoServer(f"{path} was in the build context of no image that is here ({image.name})")
    return found


def _config_map(cluster: Cluster, namespace: str, name: str) -> dict[str, str]:
    found = json.loads(cluster.request("GET", f"/api/v1/namespaces/{quote(namespace)}/configmaps/{quote(name)}"))
    return dict(found.get("data") or {})
