"""A cluster in memory that keeps what `Cluster` would send: objects by kind and name, with resource versions."""

import copy
import json
from typing import Any

from infra.cluster import Cluster
from infra.failures import ApiRefused, ClusterUnreachable


class FakeCluster(Cluster):
    """Answers as the API server does for create, replace, apply and delete; nothing is sent anywhere."""

    def __init__(self) -> None:
        self.namespace = "slipway"
        self.context = "fake"
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.answers: list[object] = []
        self.down = False
        self._version = 0

    def _check(self) -> None:
        if self.down:
            raise ClusterUnreachable("fake", "https://nowhere", 1, "connection refused")

    def _put(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self._version += 1
        stored = copy.deepcopy(manifest)
        stored["metadata"]["resourceVersion"] = str(self._version)
        self.objects[manifest["kind"], manifest["metadata"]["name"]] = stored
        return stored

    def read(self, kind: str, name: str) -> dict[str, Any] | None:
        self._check()
        return copy.deepcopy(self.objects.get((kind, name)))

    def list(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        self._check()
        wanted = dict(part.split("=", 1) for part in selector.split(",") if "=" in part)
        return [
            copy.deepcopy(value)
            for (of, _), value in self.objects.items()
            if of == kind and wanted.items() <= value["metadata"].get("labels", {}).items()
        ]

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self._check()
        if (manifest["kind"], manifest["metadata"]["name"]) in self.objects:
            raise ApiRefused("POST", "/", 409, "already exists")
        return self._put(manifest)

    def replace(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self._check()
        there = self.objects.get((manifest["kind"], manifest["metadata"]["name"]))
        if there is None or there["metadata"]["resourceVersion"] != manifest["metadata"]["resourceVersion"]:
            raise ApiRefused("PUT", "/", 409, "changed")
        return self._put(manifest)

    def apply(self, manifest: dict[str, Any], field_manager: str) -> dict[str, Any]:
        self._check()
        old = self.objects.get((manifest["kind"], manifest["metadata"]["name"]))
        if old is None:
            return self._put(manifest)
        merged = copy.deepcopy(old)
        merged["metadata"].setdefault("labels", {}).update(manifest["metadata"].get("labels", {}))
        merged.update({k: v for k, v in manifest.items() if k != "metadata"})
        return self._put(merged)

    def delete(self, kind: str, name: str, *, resource_version: str | None = None) -> None:
        self._check()
        there = self.objects.get((kind, name))
        if there and resource_version and there["metadata"]["resourceVersion"] != resource_version:
            raise ApiRefused("DELETE", "/", 409, "changed")
        self.objects.pop((kind, name), None)

    def through_service(
        self, service: str, path: str, body: bytes | None, content_type: str, timeout_s: float
    ) -> bytes:
        """Give the next of `answers`: an exception is raised, anything else sent as JSON."""
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()
