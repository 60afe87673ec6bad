"""A cluster in memory that keeps what `Cluster` would send: objects by kind and name, with resource versions.

It refuses what the API server refuses: a name that is taken, a version that is old, a ConfigMap of more than 1 MiB.
"""

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from slipway.cluster.api import Cluster
from slipway.errors.reaching import ApiRefused, ClusterUnreachable

_MOST_BYTES = 2**20
Objects = list[dict[str, Any]]


def _matches(item: dict[str, Any], selector: str) -> bool:
    """Label selectors of the forms `a=b` and `a in (b,c)`, `a` and `!a`."""
    labels = item["metadata"].get("labels", {})
    for term in re.findall(r"[^,(]+(?:\([^)]*\))?", selector):
        if " in (" in term:
            key, _, values = term.rstrip(")").partition(" in (")
            if labels.get(key) not in values.split(","):
                return False
        elif "=" in term:
            key, _, value = term.partition("=")
            if labels.get(key) != value:
                return False
        elif (term.lstrip("!") in labels) == term.startswith("!"):
            return False
    return True


def _has_fields(item: dict[str, Any], fields: str) -> bool:
    """Field selectors of the form `a.b=c`."""
    for term in filter(None, fields.split(",")):
        path, _, value = term.partition("=")
        found: Any = item
        for key in path.split("."):
            found = found.get(key, {})
        if found != value:
            return False
    return True


_ALL = ["create", "delete", "get", "list"]
_PLURALS = {
    "configmaps": "ConfigMap",
    "events": "Event",
    "certificates": "Certificate",
    "pods": "PodMetrics",
    "namespaces": "Namespace",
}


def _resource(name: str, verbs: list[str], *, namespaced: bool = True) -> dict[str, Any]:
    return {"name": name, "kind": _PLURALS[name], "verbs": verbs, "namespaced": namespaced}


_DISCOVERY: dict[str, dict[str, Any]] = {
    "/apis": {
        "groups": [
            {"preferredVersion": {"groupVersion": version}} for version in ("cert-manager.io/v1", "metrics.k8s.io/v1")
        ]
    },
    "/api/v1": {
        "resources": [
            _resource("configmaps", _ALL),
            _resource("events", _ALL),
            _resource("namespaces", _ALL, namespaced=False),
        ]
    },
    "/apis/cert-manager.io/v1": {"resources": [_resource("certificates", _ALL)]},
    "/apis/metrics.k8s.io/v1": {"resources": [_resource("pods", ["get", "list"])]},
}


def _merged(old: Any, new: Any) -> Any:
    """What an apply makes of a value: mappings grow, everything else is replaced."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
    return copy.deepcopy(new)


class FakeCluster(Cluster):
    """Answers as the API server does for create, replace, apply and delete; nothing is sent anywhere."""

    def __init__(self) -> None:
        self.namespace = "slipway"
        self.context = "fake"
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.answers: list[object] = []
        self.headers: list[dict[str, str]] = []
        self.asked_pods: list[tuple[str, int, str]] = []
        self.down = False
        self.forbidden: set[str] = set()
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
        if kind in self.forbidden:
            raise ApiRefused("GET", "/", 403, "forbidden")
        return copy.deepcopy(self.objects.get((kind, name)))

    def exists(self, kind: str, name: str) -> bool:
        return self.read(kind, name) is not None

    def list(self, kind: str, selector: str = "", fields: str = "") -> list[dict[str, Any]]:
        self._check()
        if kind in self.forbidden:
            raise ApiRefused("GET", "/", 403, "forbidden")
        return [
            copy.deepcopy(value)
            for (of, _), value in self.objects.items()
            if of == kind and _matches(value, selector) and _has_fields(value, fields)
        ]

    def names(self, kind: str, selector: str) -> tuple[str, ...]:
        return tuple(item["metadata"]["name"] for item in self.list(kind, selector))

    def metadata(self, kind: str, selector: str) -> Objects:
        return [{"metadata": item["metadata"]} for item in self.list(kind, selector)]

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
        if manifest["kind"] == "ConfigMap" and len(json.dumps(manifest.get("data", {}))) > _MOST_BYTES:
            raise ApiRefused("PATCH", "/", 422, "Too long: may not be more than 1048576 bytes")
        old = self.objects.get((manifest["kind"], manifest["metadata"]["name"]))
        if old is None:
            return self._put(manifest)
        merged = copy.deepcopy(old)
        for part in ("labels", "annotations"):
            merged["metadata"].setdefault(part, {}).update(manifest["metadata"].get(part, {}))
        if "ownerReferences" in manifest["metadata"]:
            merged["metadata"]["ownerReferences"] = manifest["metadata"]["ownerReferences"]
        return self._put(_merged(merged, {k: v for k, v in manifest.items() if k != "metadata"}))

    def delete(self, kind: str, name: str, *, resource_version: str | None = None) -> None:
        self._check()
        there = self.objects.get((kind, name))
        if there and resource_version and there["metadata"]["resourceVersion"] != resource_version:
            raise ApiRefused("DELETE", "/", 409, "changed")
        if there and there["metadata"].get("finalizers"):
            there["metadata"].setdefault("deletionTimestamp", "2026-11-26T12:00:00Z")
            return
        self.objects.pop((kind, name), None)

    def request(self, method: str, path: str, **options: Any) -> bytes:
        """Answer what is asked without the methods above: discovery, lists of any kind, labels of the namespace."""
        self._check()
        if method == "PATCH":
            labels = self.objects["Namespace", self.namespace]["metadata"]["labels"]
            for key, value in options["body"]["metadata"]["labels"].items():
                labels.pop(key, None)
                labels |= {} if value is None else {key: value}
            return b"{}"
        if path in _DISCOVERY:
            return json.dumps(_DISCOVERY[path]).encode()
        kind = _PLURALS[path.rpartition("/")[2]]
        if kind in self.forbidden:
            raise ApiRefused(method, path, 403, "forbidden")
        items = [value for (of, _), value in self.objects.items() if of == kind]
        return json.dumps({"items": items}).encode()

    def through_pod(self, pod: str, port: int, path: str, body: bytes, content_type: str, timeout_s: float) -> bytes:
        """Give the next of `answers`, as `through_service` does; refuse a pod that is not there, as the API server."""
        if ("Pod", pod) not in self.objects:
            raise ApiRefused("POST", path, 404, f'pods "{pod}" not found')
        self.asked_pods.append((pod, port, path))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()

    def through_service(
        self,
        service: str,
        path: str,
        body: bytes | None,
        content_type: str,
        timeout_s: float,
        *,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
        port: str = "http",
    ) -> bytes:
        """Give the next of `answers`: an exception is raised, anything else sent as JSON; `headers` are kept.

        A function gives one for each body.
        """
        self.headers.append(dict(headers or {}))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(body)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()
