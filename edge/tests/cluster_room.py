"""A stand-in for a cluster: its API, and what controllers, scheduler and kubelet make of objects. It refuses, too."""

import copy
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import urllib3
import yaml
from devices_room import FOLDER, WEIGHTS, FakeClock, FakeSource, LosingDisk, PowerCut, entry
from kubernetes.client import ApiClient, Configuration
from slipway_edge.asking.through_cluster import ClusterAsker
from slipway_edge.cluster.api import Api
from slipway_edge.cluster.own import Own
from slipway_edge.cluster.role import role
from slipway_edge.disk.files import Files
from slipway_edge.disk.record import Book
from slipway_edge.engine.kubernetes_engine import KubernetesEngine
from slipway_edge.fetching.bringing import Bringing
from slipway_edge.fetching.store import WeightsStore
from slipway_edge.forwarding.service import ServicePorts
from slipway_edge.rolling.roller import Roller
from slipway_edge.rolling.trial import Limits
from slipway_edge.values.document import Entry
from slipway_edge.values.objects import KINDS, Json

NAMESPACE = "models"
VERBS = {"GET": "get", "PATCH": "patch", "DELETE": "delete", "POST": "create"}
PLURALS = {plural: kind for kind, (_, plural) in KINDS.items()} | {"pods": "Pod"}


class Reply:
    """What urllib3 answers with."""

    def __init__(self, status: int, body: object) -> None:
        self.status, self._body = status, json.dumps(body).encode()

    def read(self, limit: int | None = None) -> bytes:
        return self._body[:limit]

    def release_conn(self) -> None: ...


class Refusal(Exception):
    """An answer of the API server itself."""

    def __init__(self, status: int, message: str) -> None:
        self.reply = Reply(status, {"kind": "Status", "apiVersion": "v1", "code": status, "message": message})


class FakeCluster:
    """Holds objects of one namespace, and makes a pod for each Deployment.

    `behaves`: by version, what its pod does: right, wrong, silent, crash, refused; away: the image cannot be pulled,
    full: no node has room, quota and forbidden: no pod is made.
    `rules`: what the caller may; those of the agent's Role.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Json] = {}
        self.behaves: dict[str, str] = {}
        self.up = True
        self.rules = next(one for one in yaml.safe_load_all(role(NAMESPACE)) if one["kind"] == "Role")["rules"]
        self.used: set[tuple[str, str]] = set()
        self.asked = 0
        self.cut_at: int | None = None
        self._made = 0

    def request(self, method: str, url: str, body: bytes | None, headers: dict[str, str], **_: Any) -> Reply:
        """As `urllib3.PoolManager.request`."""
        self.asked += 1
        if self.cut_at is not None and self.asked >= self.cut_at:
            raise PowerCut
        if not self.up:
            raise urllib3.exceptions.ProtocolError("connection refused")
        parts = urlsplit(url)
        _, _, rest = parts.path.partition(f"/namespaces/{NAMESPACE}/")
        plural, _, name = rest.partition("/")
        name, _, proxied = unquote(name).partition("/proxy")
        verb = "list" if method == "GET" and not name else VERBS[method]
        try:
            self._must_be_allowed(verb, f"{plural}/proxy" if proxied else plural)
            if proxied:
                return self._through(name.partition(":")[0])
            return Reply(200, self._done(verb, PLURALS[plural], name, parts.query, body))
        except Refusal as refusal:
            return refusal.reply

    def _must_be_allowed(self, verb: str, resource: str) -> None:
        self.used.add((verb, resource))
        if not any(verb in rule["verbs"] and resource in rule["resources"] for rule in self.rules):
            raise Refusal(403, f'{resource} is forbidden: User "agent" cannot {verb} resource "{resource}"')

    def _done(self, verb: str, kind: str, name: str, query: str, body: bytes | None) -> Json:
        self._controllers()
        if verb == "list":
            wanted = dict(one.split("=") for one in parse_qs(query)["labelSelector"][0].split(","))
            items = [one for (of, _), one in self.objects.items() if of == kind and wanted.items() <= _labels(one)]
            return {"items": copy.deepcopy(items)}
        if verb == "patch":
            assert "fieldManager" in query
            self._apply(kind, name, json.loads(body or b""))
            self._must_be_allowed("create", {kind: plural for plural, kind in PLURALS.items()}[kind])
        if (kind, name) not in self.objects:
            raise Refusal(404, f'{kind} "{name}" not found')
        return copy.deepcopy(self.objects[kind, name] if verb != "delete" else self.objects.pop((kind, name)))

    def _apply(self, kind: str, name: str, wanted: Json) -> None:
        assert (wanted["kind"], wanted["metadata"]["name"]) == (kind, name)
        there = self.objects.get((kind, name))
        if there is not None:
            if kind == "ConfigMap" and there["immutable"] and there["data"] != wanted["data"]:
                raise Refusal(422, "data: Forbidden: field is immutable when `immutable` is set")
            if kind == "Deployment" and there["spec"]["selector"] != wanted["spec"]["selector"]:
                raise Refusal(422, "spec.selector: Invalid value: field is immutable")
        if kind == "Deployment":
            template = wanted["spec"]["template"]
            if not wanted["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items():
                raise Refusal(422, "spec.template.metadata.labels: `selector` does not match template `labels`")
            if not template["spec"]["containers"][0].get("image"):
                raise Refusal(422, "spec.template.spec.containers[0].image: Required value")
        self.objects[kind, name] = wanted | {"status": (there or {}).get("status", {})}

    def _controllers(self) -> None:
        """Delete pods without Deployment, make those that lack; a pod is what its version does to it."""
        deployments = {name: one for (kind, name), one in self.objects.items() if kind == "Deployment"}
        for key in [key for key, one in self.objects.items() if key[0] == "Pod"]:
            if self.objects[key]["of"] not in deployments:
                del self.objects[key]
        for name, deployment in deployments.items():
            does = self._does(deployment["spec"]["template"]["metadata"]["labels"])
            if does in ("quota", "forbidden"):
                text = "exceeded quota: models" if does == "quota" else 'violates PodSecurity "restricted:latest"'
                failure = {"type": "ReplicaFailure", "status": "True", "message": f"pods {name}- is forbidden: {text}"}
                deployment["status"] = {"conditions": [failure]}
            elif not any(one.get("of") == name for one in self.objects.values()):
                self._made += 1
                self.objects["Pod", f"{name}-{self._made}"] = {
                    "of": name,
                    "metadata": {
                        "name": f"{name}-{self._made}",
                        "labels": deployment["spec"]["template"]["metadata"]["labels"],
                        "creationTimestamp": f"2026-11-27T00:00:{self._made:02}Z",
                    },
                }
        for (kind, _), one in self.objects.items():
            if kind == "Pod":
                one["status"] = _status(self._does(one["metadata"]["labels"]))

    def _does(self, labels: dict[str, str]) -> str:
        return self.behaves.get(labels["version"], "right")

    def _through(self, pod: str) -> Reply:
        self._controllers()
        there = self.objects.get(("Pod", pod))
        if there is None:
            raise Refusal(404, f'pods "{pod}" not found')
        does = self._does(there["metadata"]["labels"])
        if does == "silent":
            raise urllib3.exceptions.ReadTimeoutError(None, "", "read timed out")  # type: ignore[arg-type]
        if does not in ("right", "wrong"):
            raise Refusal(503, "error trying to reach service: connection refused")
        return Reply(200, {"outputs": {"label": [7 if does == "right" else 3]}})

    def callers_get(self) -> str | None:
        """The version that who asks the Service `digits` gets a right answer of."""
        self._controllers()
        service = self.objects.get(("Service", "digits"))
        for (kind, _), one in self.objects.items():
            selected = service is not None and service["spec"]["selector"].items() <= _labels(one)
            if kind == "Pod" and selected and self._does(one["metadata"]["labels"]) == "right":
                version: str = one["metadata"]["labels"]["version"]
                return version
        return None

    def names(self, kind: str) -> list[str]:
        return sorted(name for of, name in self.objects if of == kind)


def _labels(one: Json) -> Any:
    return (one["metadata"].get("labels") or {}).items()


def _status(does: str) -> Json:
    if does == "full":
        message = "0/1 nodes are available: 1 Insufficient memory."
        waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        return {"phase": "Pending", "conditions": [waits]}
    state: dict[str, Json] = {
        "away": {"state": {"waiting": {"reason": "ErrImagePull", "message": "no route to host"}}},
        "refused": {"state": {"waiting": {"reason": "CreateContainerError", "message": "exec format error"}}},
        "crash": {
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"reason": "Error", "exitCode": 1, "message": "what a caller sent"}},
            "restartCount": 2,
        },
    }
    ready = {"type": "Ready", "status": "True" if does == "right" else "False"}
    return {
        "phase": "Running",
        "conditions": [ready],
        "containerStatuses": [state.get(does, {"state": {"running": {}}, "restartCount": 0})],
    }


class ClusterDevice:
    """A device whose disk and cluster outlive the agent; all else is made anew."""

    def __init__(self, disk: LosingDisk) -> None:
        self.disk, self.cluster, self.clock = disk, FakeCluster(), FakeClock()
        self.source = FakeSource()
        self.boot()

    def boot(self) -> None:
        client = ApiClient(Configuration(host="https://cluster.example"))  # type: ignore[no-untyped-call]
        client.rest_client.pool_manager = self.cluster
        own = Own(Api(client, NAMESPACE), "k3s-1")
        self.book = Book(FOLDER, Files(self.disk))
        engine = KubernetesEngine(own, self.clock)
        store = WeightsStore(self.disk, WEIGHTS, self.source, self.clock, lambda: 2**30)
        self.roller = Roller(
            engine,
            ClusterAsker(own).ask,
            self.book,
            ServicePorts(own),
            self.clock,
            lambda: 2**63,
            Bringing(engine, store, lambda: None),
            Limits(start_s=20, every_s=1),
        )

    def apply(self, *entries: Entry) -> tuple[str, str]:
        """Bring it to these entries; gives the state of the first and the reason."""
        self.roller.apply(list(entries), self.roller.watch)
        status = self.roller.statuses[entries[0].model]
        return status.state, status.reason


def version(of: str = "1.0.0", **changed: Any) -> Entry:
    """A version of digits for a cluster."""
    health = {"p95_ms": None, "errors": 0.0, "settle_s": 10.0}
    return entry(of, objects=list(_objects(of)), health=health, **changed)


def _objects(of: str) -> Iterator[Json]:
    name = f"digits-{of.replace('.', '')}"
    labels = {"app": "digits", "version": of}
    shared = {"metadata": {"name": name, "labels": labels}}
    yield shared | {"apiVersion": "v1", "kind": "ServiceAccount", "automountServiceAccountToken": False}
    yield shared | {"apiVersion": "v1", "kind": "ConfigMap", "immutable": True, "data": {"server.json": of}}
    fence = {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}]}
    yield shared | {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": fence}
    ports = [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}]
    yield shared | {"apiVersion": "v1", "kind": "Service", "spec": {"selector": labels, "ports": ports}}
    pods = {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "containers": [{"name": "server", "ports": [{"name": "http", "containerPort": 8080}]}],
        "volumes": [{"name": "config", "configMap": {"name": name}}],
    }
    template = {"metadata": {"labels": labels}, "spec": pods}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    yield shared | {"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec}
