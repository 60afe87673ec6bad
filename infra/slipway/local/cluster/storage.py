"""Have volumes for claims: a StorageClass and a few folders of this machine, each a PersistentVolume."""

import shutil
from pathlib import Path
from typing import Any

from slipway.local.cluster import facts
from slipway.local.cluster.api import Api, path_of
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

CLASS = "local"
COUNT = 32
"""Nothing makes volumes on demand here; so many claims can be there at once."""

_CAPACITY = "2Gi"
_LABELS = {"app.kubernetes.io/managed-by": "slipway-local"}


def ensure(report: Report) -> str:
    """Make what is missing, and wipe volumes whose claim is gone. LocalError: refused, or no answer."""
    api = Api()
    wiped = 0
    try:
        api.apply(_storage_class())
        for number in range(COUNT):
            folder = home() / str(number)
            volume = _volume(number, folder)
            present = api.get(path_of(volume))
            if present is not None and present["status"].get("phase") in ("Released", "Failed"):
                report(f"wiping volume {number}")
                api.delete(path_of(volume))
                shutil.rmtree(folder)
                wiped += 1
            folder.mkdir(parents=True, exist_ok=True, mode=0o755)
            api.apply(volume)
    except OSError as error:
        raise LocalError(f"volumes below {home()}: {error}") from error
    return f"{COUNT} volumes of {_CAPACITY}" + (f", {wiped} wiped" if wiped else "")


def home() -> Path:
    """Folder of the volumes' folders."""
    return facts.home() / "volumes"


def status() -> str:
    """How many volumes are free, or `down`."""
    api = Api()
    try:
        volumes = [api.get(path_of(_volume(number, home()))) for number in range(COUNT)]
    except OSError:
        return "down"
    phases = [volume["status"].get("phase") for volume in volumes if volume is not None]
    return f"{phases.count('Available')} of {COUNT} free" if phases else "down"


def _storage_class() -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": CLASS, "labels": _LABELS},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def _volume(number: int, folder: Path) -> dict[str, Any]:
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [facts.NODE_NAME]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{CLASS}-{number}", "labels": _LABELS},
        "spec": {
            "capacity": {"storage": _CAPACITY},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }
