"""A cluster in memory whose deployment controller, scheduler and kubelet work as time passes, on a clock of its own.

It is as unkind as a real one: a ConfigMap that a pod mounts and that is not there is noted as a fault, a pod that
crashes is started again and again, a pod without room stays pending, and whoever deletes a Deployment waits for pods.
"""

import copy
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from slipway.cluster.rollout import REVISION
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from slipway.values.names import RELEASE_LABEL
from tests.support import replica_owners
from tests.support.annotation_owners import AnnotationOwners
from tests.support.fake_cluster import FakeCluster

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
Json = dict[str, Any]
Objects = list[Json]

START_S = 2.0
"""From a pod's start until it is ready, or crashes."""
WARM_S = 0.5
"""The last part of a start, as the server says itself."""
STOP_S = 3.0
"""From a pod's deletion until it is gone."""


@dataclass
class Behaviour:
    """How the pods of a release behave.

    `how`: serves, crashes, pulls (its image cannot be had), waits (is never ready). `label`: its answer. `refused`:
    what an admission says to its pods.
    """

    how: str = "serves"
    label: int = 7
    refused: str = ""
    size: int = 1


@dataclass
class LivingCluster(FakeCluster):
    """Give it behaviours by release (short digest); `room` is how many pods fit, by their size.

    `faults` lists what must never be: a pod that mounts what is not there, a moment without a pod that serves.
    """

    behaviours: dict[str, Behaviour] = field(default_factory=dict)
    room: int = 100
    away_until: float = 0.0
    now: float = 0.0
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        FakeCluster.__init__(self)
        self._count = 0
        self._annotations = AnnotationOwners()
        self._world = threading.RLock()

    def pause(self, seconds: float) -> bool:
        """Let time pass for everybody; for `Watcher.pause`."""
        with self._world:
            self.now += seconds
            for deployment in [value for (kind, _), value in self.objects.items() if kind == "Deployment"]:
                self._control(deployment)
            self._kubelet()
        return False

    def clock(self) -> float:
        return self.now

    def _check(self) -> None:
        if self.now < self.away_until:
            raise ClusterUnreachable("fake", "https://nowhere", 1, "connection refused")
        super()._check()

    def list(self, kind: str, selector: str = "", fields: str = "") -> Objects:
        with self._world:
            return super().list(kind, selector, fields)

    def _put(self, manifest: Json) -> Json:
        with self._world:
            return super()._put(manifest)

    def delete(self, kind: str, name: str, *, resource_version: str | None = None) -> None:
        with self._world:
            super().delete(kind, name, resource_version=resource_version)
            if kind == "Deployment":
                self._collect(name)

    def put(self, manifest: Json, manager: str = replica_owners.ENGINE) -> None:
        """Apply an object as the provider plugin does; a Deployment gets its generation and revision."""
        self._check()
        with self._world:
            key = manifest["kind"], manifest["metadata"]["name"]
            old, new = self.objects.get(key), copy.deepcopy(manifest)
            if manifest["kind"] != "Deployment":
                kept = {"ownerReferences": old["metadata"].get("ownerReferences", [])} if old else {}
                new["metadata"] |= kept
                if old and old["metadata"].get("finalizers"):
                    new["metadata"]["finalizers"] = old["metadata"]["finalizers"]
                self._put(new)
                return
            metadata = new["metadata"]
            replica_owners.settle(new, old, manager)
            if old is None:
                self._count += 1
                metadata |= {"uid": f"d{self._count}", "generation": 1}
                metadata.setdefault("annotations", {})[REVISION] = "1"
            else:
                self._annotations.keep(old, new)
                changed = old["spec"] != new["spec"]
                revision = int(old["metadata"]["annotations"][REVISION])
                revision += old["spec"]["template"] != new["spec"]["template"]
                metadata |= {"uid": old["metadata"]["uid"], "generation": old["metadata"]["generation"] + changed}
                metadata["labels"] = {**old["metadata"]["labels"], **metadata["labels"]}
                metadata["annotations"] = {**old["metadata"]["annotations"], **metadata.get("annotations", {})}
                metadata["annotations"][REVISION] = str(revision)
                new["status"] = old.get("status", {})
            self._put(new)

    def take(self, kind: str, name: str) -> None:
        """Delete an object as the provider plugin does."""
        self._check()
        with self._world:
            self.objects.pop((kind, name), None)
            if kind == "Deployment":
                self._collect(name)

    def _collect(self, name: str) -> None:
        """Stop the pods of a Deployment that is gone."""
        for pod in self._pods(name):
            pod["metadata"].setdefault("deletionTimestamp", str(self.now))

    def edit_template(self, name: str, image: str | None = None, **labels: str) -> None:
        """What `kubectl edit` does to the pods of a Deployment."""
        deployment = copy.deepcopy(self.objects["Deployment", name])
        template = deployment["spec"]["template"]
        template["metadata"]["labels"] |= labels
        if image is not None:
            template["spec"]["containers"][0]["image"] = image
        del deployment["spec"]["replicas"]
        self.put(deployment, "kubectl-edit")

    def apply(self, manifest: Json, field_manager: str) -> Json:
        """Server-side apply with force, as Slipway does it."""
        with self._world:
            old = copy.deepcopy(self.objects.get((manifest["kind"], manifest["metadata"]["name"])))
            applied = super().apply(manifest, field_manager)
            if old is None or manifest["kind"] != "Deployment":
                return applied
            sent = copy.deepcopy({**manifest, "spec": dict(manifest.get("spec", {}))})
            replica_owners.settle(sent, old, field_manager, force=True)
            self._rescaled(manifest["metadata"]["name"], sent["spec"]["replicas"], replica_owners.owners(sent))
            self._reannotated(old, manifest, field_manager)
            return copy.deepcopy(self.objects["Deployment", manifest["metadata"]["name"]])

    def _reannotated(self, old: Json, sent: Json, manager: str) -> None:
        """Give up annotations that their manager names no more; another template is another revision."""
        deployment = self.objects["Deployment", sent["metadata"]["name"]]
        self._annotations.settle(deployment, sent, manager)
        if deployment["spec"]["template"] != old["spec"]["template"]:
            metadata = deployment["metadata"]
            metadata["annotations"][REVISION] = str(int(old["metadata"]["annotations"][REVISION]) + 1)
            metadata["generation"] = old["metadata"]["generation"] + 1

    def scale(self, name: str, replicas: int) -> None:
        """Write replicas through the subresource, as autoscalers and `kubectl scale` do: they own them from then on."""
        with self._world:
            there = self.objects["Deployment", name]
            if there["spec"].get("replicas", 1) != replicas:
                self._rescaled(name, replicas, {replica_owners.SCALERS})

    def _rescaled(self, name: str, replicas: int, owners: set[str]) -> None:
        deployment = self.objects["Deployment", name]
        changed = deployment["spec"].get("replicas", 1) != replicas
        deployment["spec"]["replicas"] = replicas
        deployment["metadata"]["generation"] += changed
        replica_owners.own(deployment, owners)

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
        with self._world:
            ready = [pod for pod in self._pods(service) if _ready(pod) and "deletionTimestamp" not in pod["metadata"]]
            if not ready or ("Service", service) not in self.objects:
                raise ApiRefused("POST", path, 503, f"no endpoints available for service {service}")
            if path == "/metrics":
                told = {"load": START_S - WARM_S, "warm": WARM_S}
                return "".join(f'slipway_start_seconds{{part="{part}"}} {s}\n' for part, s in told.items()).encode()
            release = self._mounted(ready[-1])["release"]
            self.answers = [{"release": release, "outputs": {"label": [self._behaviour(ready[-1]).label]}}]
            return super().through_service(service, path, body, content_type, timeout_s, headers=headers)

    def through_pod(self, pod: str, port: int, path: str, body: bytes, content_type: str, timeout_s: float) -> bytes:
        with self._world:
            there = self.objects.get(("Pod", pod))
            if there is not None and not _ready(there):
                raise ClusterUnreachable("fake", "fake", 0.0, f"pod {pod} gave no answer at port {port}")
            self.answers = [{"label": self._behaviour(there).label}] if there is not None else []
            return super().through_pod(pod, port, path, body, content_type, timeout_s)

    def _mounted(self, pod: Json) -> Json:
        """The server's configuration as it was when the pod started: the kubelet keeps what it mounted."""
        return dict(pod["metadata"]["mounted"])

    def _behaviour(self, pod: Json) -> Behaviour:
        return self.behaviours.setdefault(pod["metadata"]["labels"].get(RELEASE_LABEL, ""), Behaviour())

    def _pods(self, name: str) -> Objects:
        with self._world:
            return [
                value
                for (kind, _), value in self.objects.items()
                if kind == "Pod" and value["metadata"]["labels"]["app.kubernetes.io/name"] == name
            ]

    def _control(self, deployment: Json) -> None:
        """One turn of the deployment controller: a surge of one, none unavailable."""
        metadata, spec = deployment["metadata"], deployment["spec"]
        name, revision, wanted = metadata["name"], metadata["annotations"][REVISION], spec.get("replicas", 1)
        owner = f"{metadata['uid']}-{revision}"
        if ("ReplicaSet", owner) not in self.objects:
            self._put(
                {
                    "kind": "ReplicaSet",
                    "metadata": {
                        "name": owner,
                        "uid": owner,
                        "labels": dict(spec["template"]["metadata"]["labels"]),
                        "annotations": {REVISION: revision},
                        "ownerReferences": [{"uid": metadata["uid"]}],
                    },
                    "spec": {"replicas": 0, "template": copy.deepcopy(spec["template"])},
                }
            )
        pods = [pod for pod in self._pods(name) if "deletionTimestamp" not in pod["metadata"]]
        new = [pod for pod in pods if pod["metadata"]["ownerReferences"][0]["uid"] == owner]
        old = [pod for pod in pods if pod not in new]
        behaviour = self._behaviour(spec["template"])
        conditions = []
        if len(new) < wanted and len(pods) <= wanted:
            if behaviour.refused:
                conditions.append({"type": "ReplicaFailure", "status": "True", "message": behaviour.refused})
            else:
                self._start(name, owner, spec)
        ready = [pod for pod in new if _ready(pod)]
        for pod in new[wanted:]:  # scaled down: the youngest go first
            pod["metadata"]["deletionTimestamp"] = str(self.now)
        for pod in old:
            if len([other for other in old if _ready(other)]) + len(ready) > wanted or not _ready(pod):
                pod["metadata"]["deletionTimestamp"] = str(self.now)
                break
        self.objects["ReplicaSet", owner]["status"] = {"replicas": len(new)}
        for (kind, other), item in self.objects.items():
            if kind == "ReplicaSet" and other != owner and other.startswith(f"{metadata['uid']}-"):
                item["status"] = {
                    "replicas": len([p for p in old if p["metadata"]["ownerReferences"][0]["uid"] == other])
                }
        deployment["status"] = {
            "observedGeneration": metadata["generation"],
            "replicas": len(new) + len(old),
            "updatedReplicas": len(new),
            "availableReplicas": len(ready) + len([pod for pod in old if _ready(pod)]),
            "conditions": conditions,
        }

    def _start(self, name: str, owner: str, spec: Json) -> None:
        self._count += 1
        self._put(
            {
                "kind": "Pod",
                "metadata": {
                    "name": f"{name}-{self._count}",
                    "labels": dict(spec["template"]["metadata"]["labels"]),
                    "ownerReferences": [{"uid": owner}],
                    "since": self.now,
                    "creationTimestamp": self._time(self.now),
                },
                "spec": copy.deepcopy(spec["template"]["spec"]),
                "status": {"phase": "Pending", "conditions": []},
            }
        )

    def _kubelet(self) -> None:
        for pod in [value for (kind, _), value in self.objects.items() if kind == "Pod"]:
            metadata = pod["metadata"]
            if "deletionTimestamp" in metadata:
                if self.now - float(metadata["deletionTimestamp"]) >= STOP_S:
                    del self.objects["Pod", metadata["name"]]
                continue
            mounted = [v["configMap"]["name"] for v in pod["spec"].get("volumes", []) if "configMap" in v]
            self.faults += [
                f"pod {metadata['name']} mounts ConfigMap {name}, which is not there"
                for name in mounted
                if ("ConfigMap", name) not in self.objects
            ]
            if all(("ConfigMap", name) in self.objects for name in mounted):
                pod["status"] = self._status(pod)

    def _status(self, pod: Json) -> Json:
        behaviour = self._behaviour(pod)
        if not pod["metadata"].get("placed"):
            taken = sum(self._behaviour(other).size for other in self._placed())
            if taken + behaviour.size > self.room:
                reason = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no room"}
                return {"phase": "Pending", "conditions": [reason]}
            name = next(v["configMap"]["name"] for v in pod["spec"]["volumes"] if "configMap" in v)
            config = self.objects["ConfigMap", name]["data"]["server.json"]
            pod["metadata"] |= {"placed": True, "since": self.now, "mounted": json.loads(config)}
        age = self.now - pod["metadata"]["since"]
        container: Json = {"name": "server", "image": "slipway/digits@sha256:0", "state": {"running": {}}}
        ready = age >= START_S and behaviour.how == "serves"
        if behaviour.how == "pulls":
            container["state"] = {"waiting": {"reason": "ImagePullBackOff", "message": "manifest unknown"}}
        if behaviour.how == "crashes" and age >= START_S:
            ended = {"exitCode": 1, "message": "golden request: wrong answer"}
            container["restartCount"] = int(age / START_S) - 1
            container["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
            container["lastState"] = {"terminated": ended}
            if container["restartCount"] == 0:
                container |= {"state": {"terminated": ended}, "lastState": {}}
        placed, served = self._time(pod["metadata"]["since"]), self._time(pod["metadata"]["since"] + START_S)
        conditions = [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": placed},
            {"type": "Ready", "status": str(ready), "lastTransitionTime": served if ready else placed},
        ]
        return {"phase": "Running", "conditions": conditions, "containerStatuses": [container]}

    def _time(self, now: float) -> str:
        """As the API server writes it, in whole seconds."""
        return (_BEGAN + timedelta(seconds=int(now))).isoformat().replace("+00:00", "Z")

    def _placed(self) -> Objects:
        return [v for (kind, _), v in self.objects.items() if kind == "Pod" and v["metadata"].get("placed")]


def _ready(pod: Json) -> bool:
    return any(item["type"] == "Ready" and item["status"] == "True" for item in pod["status"].get("conditions", []))
