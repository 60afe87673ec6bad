"""Have somebody else's controller on the cluster: apply its objects once per build, wait until they serve."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any

from slipway.local.cluster.api import Api, path_of
from slipway.local.host.errors import LocalError
from slipway.local.host.steps import Report

LABELS = {"app.kubernetes.io/managed-by": "slipway-local"}
PRIORITY = "system-cluster-critical"
"""Class of pods that the cluster serves by, which Kubernetes itself has: a full node puts out others for them."""

LIMIT_S = 180.0
"""How long one thing may take to be ready."""

_APPLIED = "slipway.dev/applied"
"""On the namespace, once all objects are applied: from which build, so that the same are not applied again."""

_POLL_S = 0.2


class Installation:
    """Objects that come into one namespace, whose pods run as Pod Security's level `restricted` wants it."""

    def __init__(self, api: Api, namespace: str, report: Report) -> None:
        self._api = api
        self._namespace = namespace
        self._report = report

    def ensure(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Apply all of a controller's objects, unless exactly these were applied; the namespace is not among them.

        Raises:
            LocalError: refused, or a definition is not served in time.
            OSError: no answer.
        """
        build = sha256(json.dumps(items).encode()).hexdigest()[:16]
        if self.is_applied(build):
            return
        self._report("definitions")
        self.define([item for item in items if _is_definition(item)])
        self.make_namespace()
        self._report("objects")
        self.apply([item for item in items if not _is_definition(item)])
        self.mark_applied(build)

    def is_applied(self, build: str) -> bool:
        """Whether all objects of this build were applied. OSError: no answer."""
        found = self._api.get(path_of(self._namespace_with({})))
        return found is not None and found["metadata"].get("annotations", {}).get(_APPLIED) == build

    def mark_applied(self, build: str) -> None:
        """Say that all objects of this build are applied."""
        self._api.apply(self._namespace_with({_APPLIED: build}))

    def make_namespace(self) -> None:
        """Have the namespace, and no build named as applied."""
        self._api.apply(self._namespace_with({}))

    def define(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Apply definitions, and what guards them, and wait until the definitions are served.

        Raises:
            LocalError: refused, or not served in time.
        """
        # What guards definitions comes last, so that it does not judge those that come with it.
        for item in sorted(items, key=lambda item: not _is_definition(item)):
            self._api.apply(item)
        for at in [path_of(item) for item in items if _is_definition(item)]:
            self.wait(f"{at.rpartition('/')[2]} is served", partial(self._is_served, at))

    def apply(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Apply objects, Deployments last: a pod is refused without its ServiceAccount. LocalError: refused."""
        for item in sorted(items, key=lambda item: item["kind"] == "Deployment"):
            self._api.apply(item)

    def wait(self, what: str, probe: Callable[[], bool]) -> None:
        """Return when the probe holds. LocalError: it does not within LIMIT_S; the message says what and where."""
        deadline = time.monotonic() + LIMIT_S
        while not probe():
            if time.monotonic() > deadline:
                raise LocalError(
                    f"waited {LIMIT_S:.0f} s until {what}; `slipway local run -- kubectl -n {self._namespace} get "
                    "pods,events` shows why not"
                )
            self._report(f"waiting until {what}")
            time.sleep(_POLL_S)

    def _is_served(self, definition: str) -> bool:
        return holds(self._api.get(definition), "Established")

    def _namespace_with(self, annotations: Mapping[str, str]) -> dict[str, Any]:
        labels = {**LABELS, "pod-security.kubernetes.io/enforce": "restricted"}
        metadata = {"name": self._namespace, "labels": labels, "annotations": dict(annotations)}
        return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _is_definition(item: Mapping[str, Any]) -> bool:
    """Whether an object defines a kind of objects."""
    return bool(item["kind"] == "CustomResourceDefinition")


def is_available(deployment: Mapping[str, Any] | None) -> bool:
    """Whether the newest version of a Deployment serves."""
    if deployment is None or deployment["status"].get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return False
    updated, wanted = deployment["status"].get("updatedReplicas", 0), deployment["spec"]["replicas"]
    return updated == wanted and holds(deployment, "Available")


def holds(item: Mapping[str, Any] | None, condition: str) -> bool:
    """Whether an object is there and says that a condition of it is met."""
    # A definition that was only just made says null.
    conditions = (item or {}).get("status", {}).get("conditions") or []
    return any(entry["type"] == condition and entry["status"] == "True" for entry in conditions)
