"""A cluster that takes what is applied to it and does it at once: for what brings controllers onto the local one."""

from collections.abc import Mapping
from typing import Any

from slipway.local.cluster.api import path_of
from slipway.local.host.errors import LocalError

CONDITIONS = ("Available", "Established", "Accepted")


class Cluster:
    """An API that takes every object, keeps it, and has the conditions met of which it was told."""

    def __init__(self, met: tuple[str, ...] = CONDITIONS) -> None:
        self.met = met
        self.applied: list[str] = []
        self.objects: dict[str, dict[str, Any]] = {}
        self.fails_at = ""

    def get(self, path: str) -> dict[str, Any] | None:
        return self.objects.get(path)

    def apply(self, item: Mapping[str, Any]) -> None:
        if item["kind"] == self.fails_at:
            raise LocalError(f"refused: {item['kind']}")
        conditions = [{"type": name, "status": "True", "observedGeneration": 1} for name in self.met]
        status = {"conditions": conditions, "observedGeneration": 1, "updatedReplicas": 1}
        metadata = {**item["metadata"], "generation": 1}
        self.objects[path_of(item)] = {**item, "metadata": metadata, "status": status}
        self.applied.append(f"{item['kind']}/{item['metadata']['name']}")


def item(version: str, kind: str, name: str, namespace: str = "", **more: Any) -> dict[str, Any]:
    """An object; `namespace` for a kind that lies in one."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **more.pop("metadata", {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def said(_: str) -> None:
    """What a step reports, heard by nobody."""
