"""A cluster in memory whose replicas autoscalers set: the HorizontalPodAutoscaler's controller, KEDA, the keys service.

KEDA's part follows its controllers: a finalizer on each ScaledObject, an autoscaler of its own below it, replicas from
zero when somebody waits, and to zero when for so long nobody did. What must never be is noted among `faults`.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.cluster.autoscalers import FINALIZER, HPA, SCALED_OBJECT, of_keda
from slipway.errors.reaching import ApiRefused
from slipway.values.names import KEYS
from tests.support.living_cluster import LivingCluster

Json = dict[str, Any]

WAKE_S = 30.0


@dataclass
class ScaledCluster(LivingCluster):
    """`loads`: how many replicas the load of a model asks for. `keda_runs`, `keys_run`: whether they do.

    `seen`: every number of replicas that a model had, in order; `least_ready`: the fewest pods that were ready at once
    since it was set, by model.
    """

    loads: dict[str, int] = field(default_factory=dict)
    keda_runs: bool = True
    keys_run: bool = True
    woken: dict[str, float] = field(default_factory=dict)
    wakes: int = 0
    seen: dict[str, list[int]] = field(default_factory=dict)
    least_ready: dict[str, int] = field(default_factory=dict)
    active: dict[str, float] = field(default_factory=dict)

    def pause(self, seconds: float) -> bool:
        with self._world:
            self._scale_all()
        super().pause(seconds)
        with self._world:
            for (kind, name), item in self.objects.items():
                if kind == "Deployment":
                    history = self.seen.setdefault(name, [])
                    if history[-1:] != [item["spec"]["replicas"]]:
                        history.append(item["spec"]["replicas"])
                    if name in self.least_ready:
                        ready = item.get("status", {}).get("availableReplicas", 0)
                        self.least_ready[name] = min(self.least_ready[name], ready)
        return False

    def wake(self, model: str) -> None:
        """What the keys service does when it is asked to wake a model."""
        if not self.keys_run:
            raise ApiRefused("POST", f"/{KEYS}", 503, "no endpoints available for service keys")
        self.wakes += 1
        self.woken[model] = self.now + WAKE_S

    def take(self, kind: str, name: str) -> None:
        """The engine deletes an object, and waits until it is gone."""
        self.delete(kind, name) if kind == SCALED_OBJECT else super().take(kind, name)
        self._keda()
        if kind == SCALED_OBJECT and (kind, name) in self.objects:
            raise ApiRefused("DELETE", "/", 504, f"timed out: {FINALIZER} is still there")

    def _scale_all(self) -> None:
        self._keda()
        for (kind, name), item in list(self.objects.items()):
            if kind != HPA or ("Deployment", name) not in self.objects:
                continue
            if not of_keda(item) and (SCALED_OBJECT, name) in self.objects:
                self.faults.append(f"two writers of the replicas of {name}")
            now = self.objects["Deployment", name]["spec"]["replicas"]
            wanted = self.loads.get(name, now) if not of_keda(item) or self.keda_runs else now
            if now > 0:  # with none, the controller takes the autoscaler for switched off
                self.scale(name, min(max(wanted, item["spec"]["minReplicas"]), item["spec"]["maxReplicas"]))

    def _keda(self) -> None:
        """One turn of KEDA, and of the garbage collector behind it."""
        for (kind, name), item in list(self.objects.items()):
            if kind == SCALED_OBJECT and self.keda_runs:
                self._of_keda(name, item)
        for (kind, name), item in list(self.objects.items()):
            if kind == HPA and of_keda(item) and (SCALED_OBJECT, name) not in self.objects:
                del self.objects[kind, name]

    def _of_keda(self, name: str, item: Json) -> None:
        metadata, spec = item["metadata"], item["spec"]
        if "deletionTimestamp" in metadata:
            metadata["finalizers"] = [one for one in metadata["finalizers"] if one != FINALIZER]
            self.delete(SCALED_OBJECT, name)
            return
        metadata.setdefault("finalizers", [FINALIZER])
        item["status"] = {"conditions": [{"type": "Ready", "status": "True", "reason": "ScaledObjectReady"}]}
        least = spec.get("minReplicaCount", 0)
        self._put(
            {
                "apiVersion": "autoscaling/v2",
                "kind": HPA,
                "metadata": {
                    "name": name,
                    "labels": copy.deepcopy(metadata["labels"]),
                    "ownerReferences": [{"kind": SCALED_OBJECT, "name": name}],
                },
                "spec": {"minReplicas": max(1, least), "maxReplicas": spec["maxReplicaCount"]},
            }
        )
        if ("Deployment", name) not in self.objects:
            return
        now = self.objects["Deployment", name]["spec"]["replicas"]
        self.active.setdefault(name, self.now)
        if self.woken.get(name, 0.0) > self.now or self.loads.get(name):
            self.active[name] = self.now
            self.scale(name, max(now, least, 1))
        elif spec.get("idleReplicaCount") == 0:
            if self.now - self.active[name] > spec["cooldownPeriod"]:
                self.scale(name, 0)
        elif now < least:
            self.scale(name, least)

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
        if service == KEYS:
            self.wake(path.split("/")[-2])
            return json.dumps({}).encode()
        return super().through_service(
            service, path, body, content_type, timeout_s, headers=headers, method=method, port=port
        )
